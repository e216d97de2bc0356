import { RaeError } from '../kernel/errors.ts';
import type { Queryable } from './database.ts';
import { type KnownHole, knownHole } from './patched-postgres.ts';
import type { Schema } from './schema.ts';
import { schemaGap } from './schema-state.ts';
import { loadStatements } from './statement.ts';

const sql = loadStatements(new URL('./admission.sql', import.meta.url), ['account', 'unguarded']);

/** What a service process must be, and what it demands of its database. */
export interface AdmissionRequest {
  /** The role whose rights the process needs; the connecting user is that role or a member of it. */
  readonly role: 'rae_scheduler' | 'rae_worker' | 'rae_api' | 'rae_operator';
  readonly schema: Schema;
  /** Refuse a server with a known row-security hole instead of warning. */
  readonly requirePatched: boolean;
}

/** What was found and is not a reason to refuse. */
export interface Admission {
  readonly serverVersion: string;
  readonly hole: KnownHole | undefined;
}

/**
 * Checks, before a service touches anything, that row-level security binds it and that the schema is the one it knows.
 * @throws RaeError `RAE_DATABASE_REFUSED` with every finding: a superuser or BYPASSRLS role (also by membership), a
 *   missing role, a table with tenant_id and without forced row security, a missing migration or function, an
 *   unpatched server on request; `RAE_SCHEMA_NEWER`.
 */
export async function admitService(database: Queryable, request: AdmissionRequest): Promise<Admission> {
  const findings: string[] = [];
  const [account] = await database.rows<{
    user: string;
    version: string;
    version_num: number;
    unbound: string[];
    role_exists: boolean;
    member: boolean;
  }>(sql.account, [request.role]);
  if (account === undefined) throw new RaeError('RAE_INTERNAL', 'the database did not say who is connected');
  if (account.unbound.length > 0) {
    findings.push(
      `the user ${account.user} is not bound by row security (superuser or BYPASSRLS: ${account.unbound.join(', ')}); ` +
        `connect as a login role that is only a member of ${request.role}`,
    );
  }
  if (account.role_exists && !account.member)
    findings.push(`the user ${account.user} is not a member of ${request.role}`);
  const gap = await schemaGap(database, request.schema);
  const missing = gap.migrations.length + gap.functions.length;
  if (missing > 0) {
    findings.push(
      `the schema lacks ${gap.migrations.length} migrations and ${gap.functions.length} functions; run: rae migrate`,
    );
  }
  for (const { name } of await database.rows<{ name: string }>(sql.unguarded)) {
    findings.push(`the table ${name} has a tenant_id but no forced row-level security`);
  }
  const hole = knownHole(account.version_num);
  if (hole !== undefined && request.requirePatched) {
    findings.push(
      `Postgres ${hole.version} has ${hole.cve}; fixed in ${hole.fixedIn} (RAE_REQUIRE_PATCHED_POSTGRES is set)`,
    );
  }
  if (findings.length > 0) {
    throw new RaeError('RAE_DATABASE_REFUSED', findings.join('\n'), {
      hint: 'rae doctor shows each finding and how to mend it',
    });
  }
  return { serverVersion: account.version, hole };
}
