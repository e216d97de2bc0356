import type pg from 'pg';

/** The roles of the fleet, in the order in which tables of rights list them. */
export const FLEET_ROLES = [
  'rae_owner',
  'rae_scheduler',
  'rae_worker',
  'rae_api',
  'rae_operator',
  'rae_readonly',
] as const;

export type FleetRole = (typeof FLEET_ROLES)[number];

/** The login role of this run that is a member of `role` and of nothing else. */
export function loginOf(prefix: string, role: FleetRole): string {
  return `${prefix}_${role}`;
}

/** Makes a login role for each role of the fleet, as a deployment does. */
export async function createLogins(client: pg.Client, prefix: string, password: string): Promise<void> {
  for (const role of FLEET_ROLES) {
    const login = client.escapeIdentifier(loginOf(prefix, role));
    await client.query(`create role ${login} login inherit password ${client.escapeLiteral(password)} in role ${role}`);
  }
}

/** Removes them, with whatever else this run made of roles. */
export async function dropLogins(client: pg.Client, prefix: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select rolname as name from pg_catalog.pg_roles where starts_with(rolname, $1)',
    [prefix],
  );
  for (const { name } of rows) await client.query(`drop role ${client.escapeIdentifier(name)}`);
}
