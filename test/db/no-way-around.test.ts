import { beforeAll, describe, expect, it } from 'vitest';
import { sqlStateOf } from '../../src/db/sqlstate.ts';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let mine = '';
let theirs = '';

beforeAll(async () => {
  mine = await addTenant(database());
  theirs = await addTenant(database());
  const memory = 'insert into public.memories (tenant_id, content, content_hash) values ($1, $2, $3)';
  await database().admin(memory, [mine, 'my own', 'hash-a']);
  await database().admin(memory, [theirs, 'their secret', 'hash-b']);
  await database().admin('analyze public.memories');
});

/** What the worker's role gets for `texts`, sent in one transaction of my tenant: the last rows, or the SQLSTATE. */
async function asWorker(...texts: string[]): Promise<unknown> {
  return await connected(database().url('rae_worker'), async (client) => {
    await client.query('begin');
    try {
      await client.query('select public.rae_enter_tenant($1)', [mine]);
      let rows: unknown[] = [];
      for (const text of texts) rows = (await client.query(text)).rows;
      return rows;
    } catch (error) {
      return sqlStateOf(error) ?? error;
    } finally {
      await client.query('rollback');
    }
  });
}

describe('a worker’s role', () => {
  it.each([
    ['empties no table', 'truncate public.memories'],
    ['takes no row security off a table', 'alter table public.memories disable row level security'],
    ['changes no policy', 'drop policy tenant_only on public.memories'],
    ['becomes no other role', 'set local role rae_owner'],
    ['becomes no other user', 'set local session authorization postgres'],
    ['makes no table', 'create table public.mine (id int)'],
    ['calls no procedure that guards tables', "call public.rae_guard_table('public.memories', true)"],
    ['reads nothing of the schedules of the fleet', 'select * from public.cadences'],
  ])('%s', async (_what, text) => {
    expect(await asWorker(text)).toBe('42501');
  });

  it('goes on to no other tenant in a transaction, and is in the same one when it enters it again', async () => {
    expect(await asWorker(`select public.rae_enter_tenant('${theirs}')`)).toBe('42501');
    const again = [`select public.rae_enter_tenant('${mine}')`, 'select content from public.memories'];
    expect(await asWorker(...again)).toEqual([{ content: 'my own' }]);
    expect(await asWorker('rollback; begin', `select public.rae_enter_tenant('${theirs}')`)).toHaveLength(1);
  });

  it('gets an error, not other rows, when it asks for row security to be off', async () => {
    expect(await asWorker('set local row_security = off', 'select * from public.memories')).toBe('42501');
  });

  it('loads no rows past the policies', async () => {
    expect(await asWorker("copy public.memories (tenant_id, content) from '/dev/null'")).not.toEqual([]);
    expect(await asWorker('copy public.memories (tenant_id, content) from stdin')).toBe('0A000');
  });

  it('sees no statistics of a guarded table, which would show other tenants’ values', async () => {
    expect(await asWorker("select * from pg_stats where tablename = 'memories'")).toEqual([]);
  });

  it('learns nothing of hidden rows from an error in a condition', async () => {
    const text =
      "select content from public.memories where 1 / (case when content = 'their secret' then 0 else 1 end) = 1";
    expect(await asWorker(text)).toEqual([{ content: 'my own' }]);
  });

  it('learns nothing of hidden rows from a duplicate key', async () => {
    const write = `insert into public.memories (tenant_id, content, content_hash) values ('${mine}', 'x', 'hash-b') returning content`;
    expect(await asWorker(write)).toEqual([{ content: 'x' }]);
    const forged = `insert into public.memories (tenant_id, content, content_hash) values ('${theirs}', 'x', 'hash-b')`;
    const fresh = `insert into public.memories (tenant_id, content, content_hash) values ('${theirs}', 'x', 'hash-c')`;
    expect([await asWorker(forged), await asWorker(fresh)]).toEqual(['42501', '42501']);
  });
});
