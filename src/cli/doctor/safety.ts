import { type AdmissionRequest, admitService } from '../../db/admission.ts';
import type { Database } from '../../db/database.ts';
import type { Schema } from '../../db/schema.ts';
import { schemaGap } from '../../db/schema-state.ts';
import { RaeError } from '../../kernel/errors.ts';
import type { Connection } from '../connection.ts';
import { type Finding, fail, ok } from './finding.ts';
import { memberships, shardNames } from './postgres.ts';

type ServiceRole = AdmissionRequest['role'];

const ROLES: readonly ServiceRole[] = ['rae_scheduler', 'rae_worker', 'rae_api', 'rae_operator'];

/** Does every shard have the schema of this release? */
export async function checkSchema(connection: Connection, schema: Schema): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [shard, database] of connection.shards('owner').all) {
    const { migrations, functions } = await schemaGap(database, schema);
    const found = `${shard} lacks ${migrations.length} migrations and ${functions.length} functions`;
    if (migrations.length + functions.length > 0) findings.push(fail('schema', found, 'rae migrate'));
    else findings.push(ok('schema', `${shard} has all ${schema.migrations.length} migrations of this release`));
  }
  return findings;
}

/** Is every shard of the registry one that this environment can reach? */
export async function checkShards(connection: Connection): Promise<readonly Finding[]> {
  const known = new Set(connection.shards('owner').all.keys());
  const rows = await connection.login('owner').rows<{ shard: string }>(shardNames);
  return rows
    .filter(({ shard }) => !known.has(shard))
    .map(({ shard }) =>
      fail(
        'shards',
        `the registry has the shard ${shard}, of which no URL is set`,
        `set RAE_SHARD_${shard.toUpperCase()}_URL`,
      ),
    );
}

/** May services start with these logins, and are their tenants kept apart? */
export async function checkLogins(connection: Connection, schema: Schema): Promise<readonly Finding[]> {
  const findings = new Map<string, Finding>();
  const served: string[] = [];
  for (const role of ROLES) {
    const database = connection.login(role);
    if (!(await isMember(database, role))) continue;
    served.push(role.replace('rae_', ''));
    // What is wrong with a login is wrong with it for every role.
    if (connection.address.hasOneLogin && served.length > 1) continue;
    for (const finding of await refusals(database, role, schema)) findings.set(finding.found, finding);
  }
  if (findings.size > 0) return [...findings.values()];
  if (served.length > 0) return [ok('row security', `is forced; services may start as ${served.join(', ')}`)];
  return [
    fail(
      'row security',
      `the login may act as none of ${ROLES.join(', ')}`,
      'grant one of them to the login that services use',
    ),
  ];
}

async function isMember(database: Database, role: ServiceRole): Promise<boolean> {
  const [row] = await database.rows<{ member: boolean }>(memberships, [[role]]);
  return row?.member ?? false;
}

async function refusals(database: Database, role: ServiceRole, schema: Schema): Promise<readonly Finding[]> {
  try {
    await admitService(database, { role, schema, requirePatched: false });
    return [];
  } catch (error) {
    if (!(error instanceof RaeError) || error.code !== 'RAE_DATABASE_REFUSED') throw error;
    // What is missing of the schema has a check of its own.
    const lines = error.message.split('\n').filter((line) => !line.endsWith('run: rae migrate'));
    return lines.map((line) => fail('row security', line, mendOf(line)));
  }
}

function mendOf(line: string): string {
  return line.startsWith('the table')
    ? 'enable and force row level security on it, as rae_guard_table() does'
    : 'give each service a login that is a member of its role only, as rae up does';
}
