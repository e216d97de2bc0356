import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../../db/database.ts';
import { loadStatements, statement } from '../../db/statement.ts';

const sql = loadStatements(new URL('./logins.sql', import.meta.url), ['loginExists', 'quoted', 'self']);

/** The services of a fleet that `rae up` starts, each with a login of its own. */
export const SERVICE_ROLES = ['scheduler', 'worker', 'api', 'operator'] as const;

export type ServiceRole = (typeof SERVICE_ROLES)[number];

/**
 * Makes a login role for each service, a member of that service's role and of nothing else, and gives the URLs to
 * connect with. Names follow from the data directory, so that several fleets share a cluster; passwords are new each
 * time. Safe to repeat.
 */
export async function makeLogins(
  admin: Database,
  adminUrl: string,
  dataDir: string,
): Promise<Readonly<Record<ServiceRole, string>>> {
  const suffix = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  const urls: [ServiceRole, string][] = [];
  for (const role of SERVICE_ROLES) {
    const name = `rae_${role}_${suffix}`;
    const password = randomBytes(18).toString('base64url');
    await admin.transaction(async (tx) => {
      const [there] = await tx.rows<{ present: boolean }>(sql.loginExists, [name]);
      const [quoted] = await tx.rows<{ name: string; password: string }>(sql.quoted, [name, password]);
      const verb = there?.present === true ? 'alter' : 'create';
      await tx.rows(statement('login', `${verb} role ${quoted?.name} login inherit password ${quoted?.password}`));
      await tx.rows(statement('membership', `grant rae_${role} to ${quoted?.name}`));
    });
    const url = new URL(adminUrl);
    url.username = name;
    url.password = password;
    urls.push([role, url.href]);
  }
  // So that commands that are given the same URL as `rae up` may act as what they need. A superuser may anyway.
  const [self] = await admin.rows<{ superuser: boolean }>(sql.self);
  if (self?.superuser === false) {
    await admin.rows(statement('commands', 'grant rae_operator, rae_api to current_user'));
  }
  return Object.fromEntries(urls) as Record<ServiceRole, string>;
}
