import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { LedgerUpkeep } from '../../src/ledger/upkeep.ts';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let tenant = '';

beforeAll(async () => {
  tenant = await addTenant(database());
});

type Role = 'rae_api' | 'rae_worker';

/** Sends `text` as an API server or a worker does, in one transaction of a tenant, and ends it as told. */
async function sent(
  text: string,
  values: readonly unknown[] = [],
  { role = 'rae_api' as Role, of = tenant, ends = 'commit' } = {},
): Promise<string> {
  return await connected(database().url(role), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [of]);
    const { rows } = await client.query<{ id: string }>(text, [...values]);
    await client.query(ends);
    return rows[0]?.id ?? '';
  });
}

const ENQUEUE = 'select public.rae_enqueue($1, $2, $3) as id';
const runs = (runId: string) =>
  database().admin(
    'select tenant_id, worker, origin, state, payload, available_at <= now() as now from public.runs where run_id = $1',
    [runId],
  );
const refusal = async (client: Promise<unknown>): Promise<Pick<pg.DatabaseError, 'code' | 'message' | 'hint'>> => {
  const error = (await client.then(
    () => undefined,
    (reason: unknown) => reason,
  )) as pg.DatabaseError | undefined;
  if (error === undefined) throw new Error('it was not refused');
  const { code, message, hint } = error;
  return { code, message, hint };
};

describe('rae_enqueue', () => {
  it.each<[Role]>([['rae_api'], ['rae_worker']])(
    'makes one owed run when the transaction of %s commits',
    async (role) => {
      const runId = await sent("select public.rae_enqueue('decay') as id", [], { role });
      const run = { tenant_id: tenant, worker: 'decay', origin: 'request', state: 'owed', payload: {}, now: true };
      expect(await runs(runId)).toEqual([run]);
    },
  );

  it('makes no run when the transaction is rolled back', async () => {
    const runId = await sent(ENQUEUE, ['decay', {}, 'rolled back'], { ends: 'rollback' });
    expect(await runs(runId)).toEqual([]);
    expect(await sent(ENQUEUE, ['decay', {}, 'rolled back'])).not.toBe(runId);
  });

  it('gives the same run for the same key of a tenant, and another one to another tenant', async () => {
    const other = await addTenant(database());
    const key = randomUUID();
    const [first, second] = [
      await sent(ENQUEUE, ['decay', { a: 1 }, key]),
      await sent(ENQUEUE, ['decay', { a: 1 }, key]),
    ];
    expect(second).toBe(first);
    expect(await runs(first)).toHaveLength(1);
    expect(await sent(ENQUEUE, ['decay', { a: 1 }, key], { of: other })).not.toBe(first);
  });

  it('makes one run of many that ask with one key at the same time', async () => {
    const key = randomUUID();
    const ids = await Promise.all(Array.from({ length: 8 }, () => sent(ENQUEUE, ['decay', {}, key])));
    expect(new Set(ids).size).toBe(1);
    expect(await runs(ids[0] ?? '')).toHaveLength(1);
  });

  it('waits for a transaction that used the key, and makes the run itself when that one rolls back', async () => {
    const key = randomUUID();
    const second = await connected(database().url('rae_api'), async (client) => {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [tenant]);
      await client.query(ENQUEUE, ['decay', {}, key]);
      const waiting = sent(ENQUEUE, ['decay', {}, key]);
      await client.query('rollback');
      return await waiting;
    });
    expect(await runs(second)).toHaveLength(1);
  });

  it('refuses a key that stood for something else', async () => {
    const key = randomUUID();
    await sent(ENQUEUE, ['decay', { a: 1 }, key]);
    expect(await refusal(sent(ENQUEUE, ['decay', { a: 2 }, key]))).toMatchObject({
      code: '22023',
      message: 'the idempotency key was used for another payload',
    });
    expect(await refusal(sent(ENQUEUE, ['retention-purge', { a: 1 }, key]))).toMatchObject({
      message: 'the idempotency key was used for another worker: decay',
    });
  });

  it.each<[what: string, values: unknown[], message: string, hint: string | undefined]>([
    ['a worker with a typing error', ['decya', {}, null], "there is no worker 'decya'", 'did you mean decay?'],
    [
      'a worker that is like none',
      ['x'.repeat(300), {}, null],
      `there is no worker '${'x'.repeat(100)}'`,
      'there are: ',
    ],
    ['no worker', [null, {}, null], 'there is no worker null', 'there are: '],
    ['a list', ['decay', '[]', null], 'the payload is array; expected a JSON object', undefined],
    ['no payload', ['decay', null, null], 'the payload is null; expected a JSON object', undefined],
    ['a long payload', ['decay', { a: 'x'.repeat(65_536) }, null], 'bytes long; expected at most 65536', 'store it'],
    ['an empty key', ['decay', {}, ''], 'the idempotency key has 0 characters; expected 1 to 255', undefined],
    [
      'a long key',
      ['decay', {}, 'k'.repeat(256)],
      'the idempotency key has 256 characters; expected 1 to 255',
      undefined,
    ],
  ])('refuses %s and says what it expected', async (_what, values, message, hint) => {
    const refused = await refusal(sent(ENQUEUE, values));
    expect(refused.code).toBe('22023');
    expect(refused.message).toContain(message);
    expect(refused.hint ?? '').toContain(hint ?? '');
  });

  it('refuses a time that never comes', async () => {
    const text = "select public.rae_enqueue('decay', available_at => 'infinity') as id";
    expect(await refusal(sent(text))).toMatchObject({ code: '22023' });
  });

  it('keeps a run for its time, and takes one of the past for now', async () => {
    const later = await sent("select public.rae_enqueue('decay', available_at => now() + interval '1 hour') as id");
    expect(await runs(later)).toMatchObject([{ now: false }]);
    const past = await sent("select public.rae_enqueue('decay', available_at => '2020-01-01') as id");
    const [run] = await database().admin<{ is_new: boolean }>(
      'select available_at >= created_at as is_new from public.runs where run_id = $1',
      [past],
    );
    expect(run).toEqual({ is_new: true });
  });

  it('needs a tenant', async () => {
    await connected(database().url('rae_api'), async (client) => {
      expect(await refusal(client.query("select public.rae_enqueue('decay')"))).toMatchObject({ code: '42501' });
    });
  });

  it('remembers a key for 72 hours, even when its run has gone', async () => {
    const [young, old] = [randomUUID(), randomUUID()];
    const [runId, oldId] = [await sent(ENQUEUE, ['decay', {}, young]), await sent(ENQUEUE, ['decay', {}, old])];
    await database().admin('delete from public.runs where run_id = any($1)', [[runId, oldId]]);
    const age = 'update public.enqueue_keys set created_at = now() - $2::interval where idempotency_key = $1';
    await database().admin(age, [young, '71 hours']);
    await database().admin(age, [old, '73 hours']);
    await new LedgerUpkeep(database().open('rae_scheduler'), 20).sweep();
    expect(await sent(ENQUEUE, ['decay', {}, young])).toBe(runId);
    expect(await sent(ENQUEUE, ['decay', {}, old])).not.toBe(oldId);
  });
});
