import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { sqlStateOf } from '../../src/db/sqlstate.ts';
import { useDatabase } from '../support/database.ts';
import { FLEET_ROLES, type FleetRole } from '../support/login-role.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';
import { type Reach, TABLE_RIGHTS, VERBS, type Verb } from './rights.ts';
import { SPECIMENS, type Specimen } from './specimens.ts';

/** Whose rows a statement is after, seen from the tenant that is entered; `unset` = none is entered. */
const SITUATIONS = ['own', 'other', 'unset'] as const;
type Situation = (typeof SITUATIONS)[number];

/** What comes of a statement: rows seen or changed, none, or refused by the server. */
type Outcome = 'rows' | 'no rows' | 'refused';

const database = useDatabase();
let mine = '';
let theirs = '';

beforeAll(async () => {
  mine = await addTenant(database());
  theirs = await addTenant(database());
  for (const { table } of TABLE_RIGHTS) {
    if (table === 'tenants' || table === 'schema_migrations') continue;
    for (const tenantId of [mine, theirs]) await database().admin(...insertion(table, specimen(table).row(tenantId)));
  }
});

function specimen(table: string) {
  const found = SPECIMENS[table];
  if (found === undefined) throw new Error(`the table ${table} is new: add a row to specimens.ts`);
  return found;
}

function insertion(table: string, row: Specimen): [text: string, values: unknown[]] {
  const places = Object.keys(row).map((_column, index) => `$${index + 1}`);
  return [
    `insert into public.${table} (${Object.keys(row).join(', ')}) values (${places.join(', ')})`,
    Object.values(row),
  ];
}

/** The statement of `verb` that is after the rows of `tenantId`. */
function attempt(table: string, verb: Verb, tenantId: string): [text: string, values: unknown[]] {
  const { row, updates, perTenant } = specimen(table);
  if (verb === 'insert') {
    // Tables with one row per tenant: a new row needs a tenant that has none yet, under the id that is asked for.
    return insertion(table, row(tenantId));
  }
  const [where, values] = perTenant ? [' where tenant_id = $1', [tenantId]] : ['', []];
  if (verb === 'select') return [`select ${perTenant ? 'tenant_id' : 'count(*)'} from public.${table}${where}`, values];
  if (verb === 'update') return [`update public.${table} set ${updates} = ${updates}${where}`, values];
  return [`delete from public.${table}${where}`, values];
}

async function outcomeOf(
  client: pg.Client,
  [text, values]: [string, unknown[]],
  situation: Situation,
): Promise<Outcome> {
  await client.query('begin');
  try {
    if (situation !== 'unset') await client.query('select public.rae_enter_tenant($1)', [mine]);
    const { rowCount } = await client.query(text, values);
    return (rowCount ?? 0) > 0 ? 'rows' : 'no rows';
  } catch (error) {
    const state = sqlStateOf(error);
    // A duplicate key or a missing parent is seen only by who may write the row.
    if (state === '23505' || state === '23503') return 'rows';
    if (state !== '42501') throw error;
    return 'refused';
  } finally {
    await client.query('rollback');
  }
}

function expected(reach: Reach, verb: Verb, situation: Situation): Outcome {
  if (reach === 'none') return 'refused';
  if (reach === 'every' || situation === 'own') return 'rows';
  // A hidden row is not there; to write one, or to look without a tenant, is refused.
  return situation === 'other' && verb !== 'insert' ? 'no rows' : 'refused';
}

const CELLS = TABLE_RIGHTS.flatMap(({ table, of }) => FLEET_ROLES.map((role) => [table, role, of[role]] as const));

describe('the table of rights', () => {
  it('names every table there is', async () => {
    const tables = await database().admin<{ name: string }>(
      "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1",
    );
    expect(TABLE_RIGHTS.map(({ table }) => table).sort()).toEqual(tables.map(({ name }) => name));
  });
});

describe.each(FLEET_ROLES.map((role) => [role] as const))('%s', (role: FleetRole) => {
  it.each(CELLS.filter(([, who]) => who === role))(
    'has on %s the rights of the table and no other',
    async (table, _role, rights) => {
      const wanted: Record<string, Outcome> = {};
      const found: Record<string, Outcome> = {};
      await connected(database().url(role), async (client) => {
        for (const verb of VERBS) {
          for (const situation of SITUATIONS) {
            const key = `${verb} of ${situation}`;
            wanted[key] = expected(rights[verb], verb, situation);
            found[key] = await outcomeOf(
              client,
              attempt(table, verb, situation === 'other' ? theirs : mine),
              situation,
            );
          }
        }
      });
      expect(found).toEqual(wanted);
    },
  );
});

describe('a row cannot be moved to another tenant', () => {
  const moving = TABLE_RIGHTS.filter(({ table, of }) => SPECIMENS[table]?.perTenant && of.rae_worker.update === 'own');

  it.each(moving.map(({ table }) => [table] as const))('of %s', async (table) => {
    await connected(database().url('rae_worker'), async (client) => {
      const move: [string, unknown[]] = [`update public.${table} set tenant_id = $1`, [theirs]];
      expect(await outcomeOf(client, move, 'own')).toBe('refused');
    });
  });
});
