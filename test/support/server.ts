import pg from 'pg';

/** `url` with another user or database. */
export function urlWith(
  url: string,
  change: { readonly user?: string; readonly password?: string; readonly database?: string },
): string {
  const changed = new URL(url);
  if (change.user !== undefined) changed.username = encodeURIComponent(change.user);
  if (change.password !== undefined) changed.password = encodeURIComponent(change.password);
  if (change.database !== undefined) changed.pathname = `/${encodeURIComponent(change.database)}`;
  return changed.href;
}

/** Runs `work` on one connection of its own, which is closed whatever happens. */
export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'rae test' });
  // The server may end the session (a test terminates it): the query in flight reports that, not the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
