import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type MigrationReport, migrate } from '../../src/db/migrate.ts';
import type { Schema } from '../../src/db/schema.ts';
import { schemaGap } from '../../src/db/schema-state.ts';
import type { RaeError } from '../../src/kernel/errors.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSchema } from '../support/fleet-schema.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { extended, greeting, laterMigration } from '../support/schema-variants.ts';
import { connected, urlWith } from '../support/server.ts';
import { CATALOGUE_RULES, faultsOf } from './catalogue-rules.ts';

useProcesses();

let schema: Schema;
const made: TestDatabase[] = [];

beforeAll(async () => {
  schema = await fleetSchema();
});

afterEach(async () => {
  for (const database of made.splice(0)) await database.close();
});

async function database(from: 'template' | 'empty' = 'template'): Promise<TestDatabase> {
  const one = await createDatabase(from);
  made.push(one);
  return one;
}

const migrated = (one: TestDatabase, to = schema): Promise<MigrationReport> =>
  migrate(one.open('admin', { poolSize: 1, statementTimeoutMs: 60_000 }), to);

const code = (error: unknown): string => (error as RaeError).code;

/** True once this migration is recorded. */
async function applied(one: TestDatabase, version: number): Promise<true | undefined> {
  const [table] = await one.admin("select to_regclass('public.schema_migrations') as name");
  if (table?.name === null) return undefined;
  const rows = await one.admin('select 1 from public.schema_migrations where version >= $1', [version]);
  return rows.length > 0 ? true : undefined;
}

/** Everything there is in the schema, by name, kind and definition: two equal lists are two equal schemas. */
async function inventory(one: TestDatabase): Promise<unknown[]> {
  return await one.admin(`
    select 'relation' as kind, c.relname::text as name, concat(c.relkind, c.relacl, c.relowner::regrole) as text
      from pg_class c where c.relnamespace = 'public'::regnamespace
    union all select 'function', p.oid::regprocedure::text, md5(concat(p.prosrc, p.proacl, p.proowner::regrole))
      from pg_proc p where p.pronamespace = 'public'::regnamespace
    union all select 'policy', p.tablename || '.' || p.policyname, concat(p.roles, p.cmd, p.qual, p.with_check)
      from pg_policies p where p.schemaname = 'public'
    union all select 'migration', m.version::text, m.checksum || m.applied_at from public.schema_migrations m
    order by 1, 2, 3`);
}

describe('migrating', () => {
  it('an empty database brings it to the schema, and says what it did', async () => {
    const one = await database('empty');
    const report = await migrated(one);
    expect(report.migrations).toHaveLength(schema.migrations.length);
    expect(report.migrations[0]).toBe('0001_create_roles');
    expect(report.functions).toEqual(schema.functions.map((each) => each.installed));
    expect(await schemaGap(one.open('rae_worker'), schema)).toEqual({ migrations: [], functions: [] });
  });

  it('a second time changes nothing', async () => {
    const one = await database();
    const before = await inventory(one);
    expect(await migrated(one)).toEqual({ migrations: [], functions: [] });
    expect(await inventory(one)).toEqual(before);
  });

  it('by ten at once, each a process of its own, ends as by one: every step is done by exactly one', async () => {
    const one = await database('empty');
    const env = { RAE_DATABASE_URL: one.url('admin') };
    const processes = Array.from({ length: 10 }, () => startRae(['migrate', '--json'], env));
    const exits = await Promise.all(processes.map((each) => each.ended(50_000)));
    expect(exits, processes.map((each) => each.err).join('\n')).toEqual(exits.map(() => ({ code: 0, signal: null })));
    const reports = processes.map((each) => JSON.parse(each.out) as { shards: MigrationReport[] });
    const done = reports.flatMap(({ shards }) => shards.flatMap((shard) => [...shard.migrations, ...shard.functions]));
    expect(done).toHaveLength(schema.migrations.length + schema.functions.length);
    expect(new Set(done).size).toBe(done.length);
    expect(await migrated(one)).toEqual({ migrations: [], functions: [] });
  });

  it('by a process that is killed at any moment leaves what the next one goes on from', async () => {
    const one = await database('empty');
    const env = { RAE_DATABASE_URL: one.url('admin') };
    for (const version of [1, 2, 3]) {
      const process = startRae(['migrate'], env);
      await eventually(() => applied(one, version), { what: `migration ${version}`, seen: () => process.err });
      process.kill('SIGKILL');
      await process.ended();
    }
    await migrated(one);
    expect(await schemaGap(one.open('rae_worker'), schema)).toEqual({ migrations: [], functions: [] });
  });

  it('two databases of one server at once works for both', async () => {
    const pair = [await database('empty'), await database('empty')];
    const reports = await Promise.all(pair.flatMap((one) => [migrated(one), migrated(one), migrated(one)]));
    expect(reports.flatMap((report) => report.migrations)).toHaveLength(2 * schema.migrations.length);
    for (const one of pair)
      expect(await schemaGap(one.open('rae_worker'), schema)).toEqual({ migrations: [], functions: [] });
  });
});

describe('whoever owns the database and may make roles', () => {
  it('migrates it without being superuser, several databases at once', async () => {
    const pair = [await database('empty'), await database('empty')];
    const { adminUrl, prefix, password } = inject('services');
    const deployer = `${prefix}_deployer`;
    await connected(adminUrl, async (client) => {
      await client.query(`create role ${deployer} login createrole password '${password}'`);
      const { rows } = await client.query<{ number: number }>(
        "select current_setting('server_version_num')::int as number",
      );
      // What Postgres 16 and newer give to whoever makes a role; the roles were made by the superuser here.
      const options = (rows[0]?.number ?? 0) < 160_000 ? [] : ['admin true, inherit false, set false'];
      for (const option of options) await client.query(`grant rae_owner to ${deployer} with ${option}`);
      for (const one of pair) await client.query(`alter database ${one.name} owner to ${deployer}`);
    });
    const as = (one: TestDatabase) =>
      one.open('admin', {
        url: urlWith(one.url('admin'), { user: deployer, password }),
        poolSize: 1,
        statementTimeoutMs: 60_000,
      });
    const reports = await Promise.all(pair.flatMap((one) => [migrate(as(one), schema), migrate(as(one), schema)]));
    expect(reports.flatMap((report) => report.migrations)).toHaveLength(2 * schema.migrations.length);
    const faults = await connected(pair[0]?.url('admin') ?? '', async (client) => {
      const found: string[] = [];
      for (const rule of CATALOGUE_RULES) found.push(...(await faultsOf(client, rule)));
      return found;
    });
    expect(faults).toEqual([]);
  });
});

describe('a migration that fails', () => {
  it('leaves nothing behind and can be repeated once it is mended', async () => {
    const one = await database();
    const before = await inventory(one);
    const text = 'create table public.half (id int primary key); insert into public.half values (1), (1)';
    const failing = migrated(one, extended(schema, { migrations: [laterMigration(schema, text)] }));
    await expect(failing).rejects.toMatchObject({
      code: 'RAE_MIGRATION_FAILED',
      message: expect.stringMatching(/create_later.*duplicate/),
    });
    expect(await inventory(one)).toEqual(before);
    const mended = laterMigration(schema, 'create table public.half (id int primary key)');
    const report = await migrated(one, extended(schema, { migrations: [mended] }));
    expect(report.migrations).toHaveLength(1);
  });

  it('keeps those before it and none after it', async () => {
    const one = await database('empty');
    const broken = schema.migrations.map((each) => (each.version === 3 ? { ...each, text: 'select 1 / 0' } : each));
    await expect(migrated(one, { ...schema, migrations: broken })).rejects.toMatchObject({
      code: 'RAE_MIGRATION_FAILED',
    });
    const done = await one.admin('select version from public.schema_migrations order by 1');
    expect(done).toEqual([{ version: 1 }, { version: 2 }]);
  });

  it('says so when a function does not compile, and installs none of that release', async () => {
    const one = await database();
    const [bad] = greeting("' || 1 / 0 || nowhere || '");
    const failing = migrated(
      one,
      extended(schema, { functions: [...greeting('hello'), ...(bad === undefined ? [] : [bad])] }),
    );
    await expect(failing).rejects.toMatchObject({
      code: 'RAE_MIGRATION_FAILED',
      message: expect.stringContaining('greeting'),
    });
    expect(await one.admin("select 1 from pg_proc where proname like 'rae_greeting%'")).toEqual([]);
  });
});

describe('a release', () => {
  it('refuses a database whose applied migration is not the one in its file', async () => {
    const one = await database();
    const changed = schema.migrations.map((each) =>
      each.version === 2 ? { ...each, checksum: 'f'.repeat(64) } : each,
    );
    const attempt = migrated(one, { ...schema, migrations: changed });
    await expect(attempt).rejects.toMatchObject({
      code: 'RAE_DATABASE_REFUSED',
      message: expect.stringMatching(/migration 2 .*changed/),
    });
  });

  it('refuses a schema that a newer release has broken with', async () => {
    const one = await database();
    await migrated(one, extended(schema, { migrations: [laterMigration(schema, 'select 1', true)] }));
    expect(await migrated(one).catch(code)).toBe('RAE_SCHEMA_NEWER');
    expect(await schemaGap(one.open('rae_worker'), schema).catch(code)).toBe('RAE_SCHEMA_NEWER');
  });

  it('accepts a schema that a newer release has only added to', async () => {
    const one = await database();
    await migrated(
      one,
      extended(schema, { migrations: [laterMigration(schema, 'create table public.later (id int primary key)')] }),
    );
    expect(await migrated(one)).toEqual({ migrations: [], functions: [] });
    expect(await schemaGap(one.open('rae_worker'), schema)).toEqual({ migrations: [], functions: [] });
  });

  it('installs its functions beside those of another release, and each calls its own', async () => {
    const one = await database();
    const [older, newer] = [greeting('hello'), greeting('good day')];
    await migrated(one, extended(schema, { functions: older }));
    const report = await migrated(one, extended(schema, { functions: newer }));
    expect(report.functions).toEqual(newer.map((each) => each.installed));
    // Going back is no change at all: the older function is still there.
    expect(await migrated(one, extended(schema, { functions: older }))).toEqual({ migrations: [], functions: [] });
    const said = await Promise.all(
      [...older, ...newer].map((each) =>
        one.open('rae_worker').rows(query(`select public.${each.installed}() as text`)),
      ),
    );
    expect(said.flat()).toEqual([{ text: 'hello' }, { text: 'good day' }]);
  });

  it('names every function by its text: an unchanged one keeps its name', () => {
    const [hello] = greeting('hello');
    expect(greeting('hello')).toEqual([hello]);
    expect(greeting('hallo')[0]?.installed).not.toBe(hello?.installed);
  });
});
