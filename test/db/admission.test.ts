import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type AdmissionRequest, admitService } from '../../src/db/admission.ts';
import { knownHole } from '../../src/db/patched-postgres.ts';
import type { Schema } from '../../src/db/schema.ts';
import { RaeError } from '../../src/kernel/errors.ts';
import { useDatabase } from '../support/database.ts';
import { fleetSchema } from '../support/fleet-schema.ts';
import type { FleetRole } from '../support/login-role.ts';
import { extended, greeting, laterMigration } from '../support/schema-variants.ts';
import { connected, urlWith } from '../support/server.ts';

const database = useDatabase();
let schema: Schema;
let serverVersion = 0;

beforeAll(async () => {
  schema = await fleetSchema();
  const [server] = await database().admin<{ number: number }>(
    "select current_setting('server_version_num')::int as number",
  );
  serverVersion = server?.number ?? 0;
});

const logins: string[] = [];

/** Makes a login role of its own with these words of CREATE ROLE, and gives its address. */
async function login(words: string): Promise<string> {
  const { prefix, password } = inject('services');
  const user = `${prefix}_admitted_${logins.length}`;
  logins.push(user);
  await database().admin(`create role ${user} login password '${password}' ${words}`);
  return urlWith(database().url('admin'), { user, password });
}

afterAll(async () => {
  await connected(inject('services').adminUrl, async (client) => {
    for (const user of logins) await client.query(`drop role if exists ${user}`);
  });
});

interface Asked extends Partial<AdmissionRequest> {
  readonly url?: string;
  readonly as?: FleetRole;
}

/** What is found against a service: the lines of the refusal, or none. */
async function findings({ url, as = 'rae_worker', ...request }: Asked): Promise<string[]> {
  const service = database().open(as, url === undefined ? {} : { url });
  try {
    await admitService(service, { role: 'rae_worker', schema, requirePatched: false, ...request });
    return [];
  } catch (error) {
    if (!(error instanceof RaeError) || error.code !== 'RAE_DATABASE_REFUSED') throw error;
    return error.message.split('\n');
  }
}

describe('a service is admitted', () => {
  it.each(['rae_scheduler', 'rae_worker', 'rae_api', 'rae_operator'] as const)('as a member of %s', async (role) => {
    expect(await findings({ as: role, role })).toEqual([]);
  });

  it('with the version of the server, and its known hole as a warning', async () => {
    const request = { role: 'rae_worker', schema, requirePatched: false } as const;
    const admission = await admitService(database().open('rae_worker'), request);
    expect(admission.serverVersion).toMatch(/^\d+\.\d+/);
    expect(admission.hole).toEqual(knownHole(serverVersion));
  });
});

describe('a service is refused', () => {
  it('as superuser', async () => {
    expect(await findings({ as: 'rae_worker', url: database().url('admin') })).toEqual([
      expect.stringMatching(/not bound by row security/),
    ]);
  });

  it('as superuser that acts as its role for the session', async () => {
    const service = database().open('admin', { role: 'rae_worker' });
    const refused = admitService(service, { role: 'rae_worker', schema, requirePatched: false });
    await expect(refused).rejects.toMatchObject({
      code: 'RAE_DATABASE_REFUSED',
      message: expect.stringMatching(/not bound/),
    });
  });

  it('as a user that passes row security', async () => {
    const url = await login('bypassrls in role rae_worker');
    expect(await findings({ url })).toEqual([expect.stringMatching(/BYPASSRLS: rae_test_\w+_admitted_\d+/)]);
  });

  it.each(['inherit', 'noinherit'])('as a member (%s) of a role that passes row security', async (inherit) => {
    await login('bypassrls');
    const url = await login(`${inherit} in role rae_worker, ${logins.at(-1)}`);
    expect(await findings({ url })).toContainEqual(expect.stringMatching(/not bound by row security/));
  });

  it('as a user without the role it needs', async () => {
    const url = await login('');
    expect(await findings({ url })).toEqual([expect.stringMatching(/is not a member of rae_worker/)]);
  });

  it('as a member of another role than the one it needs', async () => {
    expect(await findings({ as: 'rae_api', role: 'rae_scheduler' })).toEqual([
      expect.stringMatching(/is not a member of rae_scheduler/),
    ]);
  });

  it('by a database that lacks a migration or a function', async () => {
    const newer = extended(schema, { migrations: [laterMigration(schema, 'select 1')], functions: greeting('hello') });
    expect(await findings({ schema: newer })).toEqual([
      expect.stringMatching(/lacks 1 migrations and 1 functions; run: rae migrate/),
    ]);
  });

  it('by a database that was never migrated', async () => {
    const service = database().open('admin', { url: inject('services').adminUrl });
    const refused = admitService(service, { role: 'rae_worker', schema, requirePatched: false });
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/lacks \d+ migrations/) });
  });

  it.each([
    ['without row security', 'disable row level security'],
    ['whose row security does not bind its owner', 'no force row level security'],
  ])('by a tenant table %s', async (_what, change) => {
    const table = `loose_${change.split(' ')[0]}`;
    await database().admin(`create table public.${table} (tenant_id uuid)`);
    await database().admin(`call public.rae_guard_table('public.${table}', false)`);
    await database().admin(`alter table public.${table} ${change}`);
    expect(await findings({})).toEqual([
      expect.stringMatching(`the table ${table} has a tenant_id but no forced row-level security`),
    ]);
    await database().admin(`drop table public.${table}`);
  });

  it('by a server with the known hole, where that is asked for', async () => {
    const found = await findings({ requirePatched: true });
    const hole = knownHole(serverVersion);
    expect(found).toEqual(
      hole === undefined ? [] : [expect.stringMatching(`has ${hole.cve}; fixed in ${hole.fixedIn}`)],
    );
  });

  it('with every finding at once', async () => {
    await database().admin('create table public.loose (tenant_id uuid)');
    const newer = extended(schema, { functions: greeting('hello') });
    const found = await findings({ url: await login('bypassrls'), schema: newer });
    await database().admin('drop table public.loose');
    expect(found).toEqual([
      expect.stringMatching(/not bound by row security/),
      expect.stringMatching(/is not a member of rae_worker/),
      expect.stringMatching(/lacks 0 migrations and 1 functions/),
      expect.stringMatching(/the table loose/),
    ]);
  });
});

describe('what is said when a database cannot be reached', () => {
  it.each([
    [
      'with a wrong password or an unknown user',
      { user: 'rae_nobody_of_this_name', password: 'hunter2' },
      /rae_nobody|password/,
    ],
    ['with the name of a database that is not there', { database: 'rae_no_such_database' }, /rae_no_such_database/],
  ])('%s names it, without the password', async (_what, change, words) => {
    const service = database().open('admin', { url: urlWith(database().url('rae_worker'), change) });
    const refused = await admitService(service, { role: 'rae_worker', schema, requirePatched: false }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'RAE_DATABASE_UNREACHABLE', message: expect.stringMatching(words) });
    const { message, hint } = refused as RaeError;
    for (const secret of ['hunter2', inject('services').password]) expect(`${message} ${hint}`).not.toContain(secret);
  });

  it('where nothing listens names the address', async () => {
    const service = database().open('admin', { url: 'postgres://someone:hunter2@127.0.0.1:1/none' });
    const refused = admitService(service, { role: 'rae_worker', schema, requirePatched: false });
    await expect(refused).rejects.toMatchObject({
      code: 'RAE_DATABASE_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1:1/),
    });
  });
});
