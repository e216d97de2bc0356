import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { Shards } from '../../src/db/shards.ts';
import { sqlStateOf } from '../../src/db/sqlstate.ts';
import { TenantContext } from '../../src/db/tenant-context.ts';
import type { RaeError } from '../../src/kernel/errors.ts';
import { useDatabase } from '../support/database.ts';
import { query } from '../support/query.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let tenant = '';

beforeAll(async () => {
  tenant = await addTenant(database());
  await database().admin(
    'insert into public.memories (tenant_id, content) select $1, n::text from generate_series(1, 3) n',
    [tenant],
  );
});

/** The SQLSTATE that `text` ends with; 'none' when it succeeds. */
async function stateOf(client: pg.Client, text: string, values: unknown[] = []): Promise<string> {
  try {
    await client.query(text, values);
    return 'none';
  } catch (error) {
    return sqlStateOf(error) ?? String(error);
  }
}

/** Works inside the tenant on this connection, as any user of a pooled connection before us may have done. */
async function usedOnce(client: pg.Client): Promise<void> {
  await client.query(`begin; select public.rae_enter_tenant('${tenant}')`);
  const { rows } = await client.query('select content from public.memories');
  expect(rows).toHaveLength(3);
  await client.query('commit');
}

const asWorker = <T>(work: (client: pg.Client) => Promise<T>): Promise<T> =>
  connected(database().url('rae_worker'), work);

const READS: readonly (readonly [what: string, text: string])[] = [
  ['a plain read', 'select * from public.memories'],
  ['a count', 'select count(*) from public.memories'],
  ['a read by key', `select * from public.memories where tenant_id = '${randomUUID()}' and id = '${randomUUID()}'`],
  ['an update', 'update public.memories set strength = 1'],
  ['a delete', 'delete from public.memories'],
  ['an insert', `insert into public.memories (tenant_id, content) values ('${randomUUID()}', 'x')`],
  ['a read of a table that has no row', 'select * from public.decay_marks'],
  ['the optional side of an outer join', 'select * from public.plans p left join public.tenants t on t.plan = p.plan'],
  [
    'an outer join that finds nothing to join',
    'select * from public.plans p left join public.decay_marks d on p.plan = d.begun::text',
  ],
  [
    'a subquery that may not be run',
    'select (select count(*) from public.memories where p.weight > 99) from public.plans p',
  ],
];

describe('without a tenant the server refuses with 42501', () => {
  it.each(READS)('%s on a fresh connection', async (_what, text) => {
    expect(await asWorker((client) => stateOf(client, text))).toBe('42501');
  });

  it.each(READS)('%s on a connection that was inside a tenant before', async (_what, text) => {
    const state = await asWorker(async (client) => {
      await usedOnce(client);
      return await stateOf(client, text);
    });
    expect(state).toBe('42501');
  });

  it.each(['reset all', 'discard all', 'reset app.current_tenant'])('after %s', async (reset) => {
    const states = await asWorker(async (client) => {
      await usedOnce(client);
      await client.query(reset);
      return [
        await stateOf(client, 'select * from public.memories'),
        await stateOf(client, 'select * from public.decay_marks'),
      ];
    });
    expect(states).toEqual(['42501', '42501']);
  });

  it('on a table that was vacuumed empty', async () => {
    await database().admin('vacuum (analyze, truncate) public.decay_marks');
    expect(await asWorker((client) => stateOf(client, 'select * from public.decay_marks'))).toBe('42501');
  });

  it('when every row is read one after the other', async () => {
    const state = await asWorker(async (client) => {
      await client.query('set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off');
      return await stateOf(client, 'select * from public.memories where id is not null');
    });
    expect(state).toBe('42501');
  });

  it('after a rollback and after a rollback to a savepoint', async () => {
    const states = await asWorker(async (client) => {
      await client.query(`begin; select public.rae_enter_tenant('${tenant}'); rollback`);
      const first = await stateOf(client, 'select * from public.memories');
      await client.query(
        `begin; savepoint before; select public.rae_enter_tenant('${tenant}'); rollback to savepoint before`,
      );
      const second = await stateOf(client, 'select * from public.memories');
      await client.query('rollback');
      return [first, second];
    });
    expect(states).toEqual(['42501', '42501']);
  });

  it('a statement that was prepared and run seven times inside a tenant', async () => {
    await asWorker(async (client) => {
      const prepared = { name: 'seven', text: 'select content from public.memories where strength > $1', values: [0] };
      await client.query(`begin; select public.rae_enter_tenant('${tenant}')`);
      for (let i = 0; i < 7; i += 1) expect((await client.query(prepared)).rows).toHaveLength(3);
      await client.query('commit');
      await expect(client.query(prepared)).rejects.toMatchObject({ code: '42501' });
      await client.query(`begin; select public.rae_enter_tenant('${await addTenant(database())}')`);
      expect((await client.query(prepared)).rows).toEqual([]);
      await client.query('rollback');
    });
  });

  it.each([
    ['no id', null],
    ['the all-zero id', '00000000-0000-0000-0000-000000000000'],
  ])('entering %s', async (_what, id) => {
    expect(await asWorker((client) => stateOf(client, 'select public.rae_enter_tenant($1)', [id]))).toBe('42501');
  });

  it('a statement after a tenant was entered outside a transaction, which does not last', async () => {
    const state = await asWorker(async (client) => {
      await client.query('select public.rae_enter_tenant($1)', [tenant]);
      return await stateOf(client, 'select * from public.memories');
    });
    expect(state).toBe('42501');
  });
});

describe('inTenant', () => {
  // A database that nobody answers for: whoever gets as far as connecting fails in another way.
  const nowhere = () =>
    new TenantContext(
      new Shards(new Map([['main', database().open('rae_worker', { url: 'postgres://127.0.0.1:1/none' })]])),
    );

  it.each<[what: string, id: unknown]>([
    ['an empty id', ''],
    ['null', null],
    ['undefined', undefined],
    ['the word null', 'null'],
    ['the all-zero id', '00000000-0000-0000-0000-000000000000'],
    ['an id in upper case', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'],
    ['an id in braces', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'],
    ['an id with a line break', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n'],
    ['SQL', "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'); drop table memories; --"],
    ['a list with an id', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  ])('refuses %s before anything is sent', async (_what, id) => {
    const code = (error: unknown) => (error as RaeError).code;
    const context = nowhere();
    expect(await context.inTenant(id as string, async () => 'sent').catch(code)).toBe('RAE_TENANT_MISSING');
    expect(await context.call(id as string, query('select $1::text'), []).catch(code)).toBe('RAE_TENANT_MISSING');
  });

  it('commits what the work did, and nothing of work that throws', async () => {
    const id = await addTenant(database());
    const add = query("insert into public.memories (tenant_id, content) values ($1, 'kept')");
    const tenants = database().tenants();
    await tenants.inTenant(id, (tx) => tx.rows(add, [id]));
    const failing = tenants.inTenant(id, async (tx) => {
      await tx.rows(add, [id]);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await database().admin('select content from public.memories where tenant_id = $1', [id])).toHaveLength(1);
  });

  it('does not pass for committed when the work swallowed an error of the server', async () => {
    const id = await addTenant(database());
    const work = database()
      .tenants()
      .inTenant(id, async (tx) => {
        await tx.rows(query("insert into public.memories (tenant_id, content) values ($1, 'lost')"), [id]);
        await tx.rows(query('select 1 / 0')).catch(() => undefined);
        return 'pretends to be done';
      });
    await expect(work).rejects.toThrow(/rolled back/);
    expect(await database().admin('select 1 from public.memories where tenant_id = $1', [id])).toEqual([]);
  });

  it('leaves its connection without a tenant for whoever uses it next', async () => {
    const shared = database().open('rae_worker', { poolSize: 1 });
    const tenants = new TenantContext(new Shards(new Map([['main', shared]])));
    const read = query('select content from public.memories');
    expect(await tenants.inTenant(tenant, (tx) => tx.rows(read))).toHaveLength(3);
    await expect(shared.rows(read)).rejects.toMatchObject({ code: '42501' });
    await expect(shared.transaction((tx) => tx.rows(read))).rejects.toMatchObject({ code: '42501' });
    await expect(tenants.inTenant(tenant, (tx) => tx.rows(query('select 1 / 0')))).rejects.toMatchObject({
      code: '22012',
    });
    await expect(shared.rows(read)).rejects.toMatchObject({ code: '42501' });
    expect(await tenants.inTenant(await addTenant(database()), (tx) => tx.rows(read))).toEqual([]);
  });

  it('keeps tenants apart that share connections at the same time', async () => {
    const tenants = database().tenants('rae_worker', { poolSize: 3 });
    const ids = await Promise.all(Array.from({ length: 8 }, () => addTenant(database())));
    const write = query('insert into public.memories (tenant_id, content) values (public.rae_current_tenant(), $1)');
    const read = query('select tenant_id, content from public.memories');
    await Promise.all(
      Array.from({ length: 80 }, (_n, index) => ids[index % ids.length] ?? '').map((id) =>
        tenants.inTenant(id, async (tx) => {
          await tx.rows(write, [id]);
          for (const row of await tx.rows(read)) expect(row).toEqual({ tenant_id: id, content: id });
        }),
      ),
    );
    for (const id of ids) expect(await tenants.inTenant(id, (tx) => tx.rows(read))).toHaveLength(10);
  });
});
