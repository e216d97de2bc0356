import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { KIND_NAMES } from '../../src/transfer/kind.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { fleetSchema } from '../support/fleet-schema.ts';
import { connected } from '../support/server.ts';
import { type SqlSource, sqlSources, typesTaken } from '../support/sql-sources.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
/** Functions by the name they have in their source. */
const installed = new Map<string, string>();
let tenant = '';

beforeAll(async () => {
  tenant = await addTenant(database());
  for (const one of (await fleetSchema()).functions) {
    if (installed.has(one.name)) throw new Error(`two functions are called ${one.name}`);
    installed.set(one.name, `public.${one.installed}`);
  }
});

const sources = sqlSources();
/** Effects are no statements of their own: the fleet composes them into a function, see below. */
const sent = sources.filter(({ body }) => !/(?<!:):[a-z_]+/.test(body.replaceAll(/'[^']*'/g, "''")));

/** What the server makes of a statement that `role` sends inside a tenant. */
async function prepared({ file, role, body }: SqlSource, look: (client: pg.Client) => Promise<void>): Promise<void> {
  const text = body.replace(/\{\{(\w+)\}\}/g, (all, name: string) => installed.get(name) ?? all);
  if (role === undefined)
    throw new Error(
      `${file}: say who sends it, at the head of the file (-- Role rae_…) or after what it takes (; as rae_…)`,
    );
  await connected(database().url(role), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [tenant]);
    // A statement that reads a temporary table stands in one file with the one that makes it.
    const table = sources.find((one) => one.file === file && one.name === 'stage');
    if (table !== undefined) await client.query(table.body);
    await client.query(`prepare it as ${text}`);
    await look(client);
    await client.query('rollback');
  });
}

/** Statements that PREPARE takes; a command such as CREATE TABLE or COPY is only to be run, and migrating and transferring prove that. */
const isPreparable = ({ body }: SqlSource): boolean =>
  /^(select|insert|update|delete|with|merge|values)\b/i.test(body.trim());
const preparable = sent.filter(isPreparable).map((one) => [`${one.file} ${one.name}`, one] as const);

describe('every named statement', () => {
  it('is found', () => {
    expect(preparable.length).toBeGreaterThan(20);
    const commands = sent.filter((one) => !isPreparable(one)).map(({ file, name }) => `${file} ${name}`);
    expect(commands.filter((one) => !one.startsWith('src/transfer/'))).toEqual([
      'src/db/migrate.sql prepare',
      'src/db/migrate.sql becomeOwner',
    ]);
    const perKind = KIND_NAMES.map((kind) => `src/transfer/${kind.replaceAll('_', '-')}.sql`).sort();
    expect(commands.filter((one) => one.startsWith('src/transfer/'))).toEqual(
      perKind.flatMap((file) => ['stage', 'fill', 'clear', 'rows', 'cells'].map((name) => `${file} ${name}`)),
    );
  });

  it.each(preparable)('%s takes the parameters that its header says, in these types', async (_what, source) => {
    const types = typesTaken(source.takes);
    expect(types, `cannot be read: -- takes ${source.takes}`).toBeDefined();
    await prepared(source, async (client) => {
      const { rows } = await client.query<{ found: string[] }>(
        "select array(select t::text from unnest(parameter_types) t) as found from pg_prepared_statements where name = 'it'",
      );
      const wanted = await client.query<{ types: string[] }>(
        'select array(select t::regtype::text from unnest($1::text[]) t) as types',
        [types],
      );
      expect(rows[0]?.found).toEqual(wanted.rows[0]?.types);
    });
  });

  it.each(preparable)('%s is allowed to the role that sends it', async (_what, source) => {
    const nulls = (typesTaken(source.takes) ?? []).map(() => 'null').join(', ');
    await prepared(source, async (client) => {
      // EXPLAIN checks every right that running it needs, and runs nothing.
      const { rows } = await client.query(`explain execute it${nulls === '' ? '' : `(${nulls})`}`);
      expect(rows.length).toBeGreaterThan(0);
    });
  });
});

describe('the effect of a worker', () => {
  it('becomes one function that its role may call, with the parameters of its call', async () => {
    const catalogue = await loadCatalogue();
    const fused = catalogue.all.flatMap((worker) =>
      worker.performFunction === undefined ? [] : [worker.performFunction.call],
    );
    expect(fused.length).toBeGreaterThan(0);
    for (const { text, name } of fused) {
      const source = { file: 'perform.sql', name, takes: '', body: text, role: 'rae_worker' } as const;
      await prepared(source, async (client) => {
        const { rows } = await client.query(
          "select parameter_types::text as types from pg_prepared_statements where name = 'it'",
        );
        expect(rows).toEqual([
          { types: '{uuid,uuid,integer,integer,text,boolean,integer,jsonb,jsonb,text,jsonb,boolean}' },
        ]);
        await client.query(`explain execute it(${Array.from({ length: 12 }, () => 'null').join(', ')})`);
      });
    }
  });
});

it('a page of the runs of a tenant comes from an index, wherever it begins and however many there are', async () => {
  await database().admin(
    `insert into public.runs (tenant_id, worker, origin, state, created_at, finished_at)
       select $1, 'decay', 'request', 'done', now() - n * interval '1 minute', now() from generate_series(1, 5000) n`,
    [tenant],
  );
  await database().admin('analyze public.runs');
  const list = sources.find(({ file, name }) => file === 'src/ledger/tenant-runs.sql' && name === 'list');
  if (list === undefined) throw new Error('the statement has another name');
  await prepared(list, async (client) => {
    // As it is planned once for all pages.
    await client.query('set local plan_cache_mode = force_generic_plan');
    const page = `'${tenant}', null, null, now() - interval '1 day', '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e', 51`;
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain execute it(${page})`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Scan using runs_made_idx/);
    expect(plan).toMatch(/Index Cond:.*created_at/);
    expect(plan).not.toMatch(/Sort|Seq Scan/);
  });
});
