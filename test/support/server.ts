import pg from 'pg';

/** What is to be different in a URL. */
interface UrlChange {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly applicationName?: string;
}

/** `url` with another user or database, or with a name for its sessions. */
export function urlWith(url: string, change: UrlChange): string {
  const changed = new URL(url);
  if (change.user !== undefined) changed.username = encodeURIComponent(change.user);
  if (change.password !== undefined) changed.password = encodeURIComponent(change.password);
  if (change.database !== undefined) changed.pathname = `/${encodeURIComponent(change.database)}`;
  if (change.applicationName !== undefined) changed.searchParams.set('application_name', change.applicationName);
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
