import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { DEFAULT_RULES, decayed } from '../support/decay-arithmetic.ts';
import { decayRun } from '../support/decay-run.ts';
import { eventually } from '../support/eventually.ts';
import { addMemories, type MemoryColumns, readMemories } from '../support/memories.ts';
import { type Performing, performing } from '../support/performing.ts';
import { query } from '../support/query.ts';
import { storeRule } from '../support/rule-scene.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let decay: Performing;

beforeAll(async () => {
  decay = await performing('decay', database().tenants());
});

const SLOT = new Date('2026-06-15T02:00:00Z');
const DAY_MS = 86_400_000;
/** Makes this session's statistics visible to others at once. */
const FLUSH = query('select pg_stat_force_next_flush()');
const daysBefore = (days: number, ms = 0): Date => new Date(SLOT.getTime() - days * DAY_MS + ms);
const day = (later: number): Date => daysBefore(-later);

/** A memory that was stored long ago and last accessed so many days before the slot. */
const idleFor = (days: number, ms = 0): MemoryColumns => ({
  importance: 0.9,
  created_at: daysBefore(400),
  last_accessed_at: daysBefore(days, ms),
});

/** Importance after decay of the slot alone, for memories of a tenant of their own. */
async function importanceAfter(
  memories: readonly MemoryColumns[],
  policy: Record<string, unknown> = {},
  slots = [SLOT],
): Promise<(number | null | undefined)[]> {
  const tenantId = await addTenant(database());
  const ids = await addMemories(database(), tenantId, memories);
  expect((await decayRun(database(), decay, { tenantId, slots, policy })).status).toBe('done');
  const rows = await readMemories(database(), tenantId);
  return ids.map((id) => rows.get(id)?.importance);
}

const close = (value: number) => expect.closeTo(value, 10);

describe('a memory loses', () => {
  it.each<[what: string, memory: MemoryColumns, policy: Record<string, unknown>, importance: number]>([
    ['half the rate while it is protected', idleFor(6.9), {}, 0.8955],
    ['the rate from exactly 7 days on', idleFor(7), {}, 0.891],
    ['half the rate a millisecond before', idleFor(7, 1), {}, 0.8955],
    ['the rate up to exactly 30 days', idleFor(30), {}, 0.891],
    ['more than twice the rate a millisecond later', idleFor(30, -1), {}, 0.882],
    ['thrice the rate after 60 days', idleFor(60), {}, 0.873],
    ['no more than all of it, down to the floor', idleFor(399), { rate: 0.5 }, 0.01],
    ['half the rate when it was accessed after the slot', idleFor(-3), {}, 0.8955],
    [
      'the rate when it was accessed after the slot and nothing is protected',
      idleFor(-3),
      { protected_days: 0 },
      0.891,
    ],
    ['the rate whatever its idle time where accesses do not count', idleFor(60), { access_statistics: false }, 0.891],
    ['the rate of its layer', { ...idleFor(10), layer: 'sensory' }, { layer_rates: { sensory: 0.5 } }, 0.45],
    [
      'the common rate where another layer has its own',
      { ...idleFor(10), layer: 'semantic' },
      { layer_rates: { sensory: 0.5 } },
      0.891,
    ],
    [
      'the common rate where it has no layer',
      { ...idleFor(10), layer: null },
      { layer_rates: { sensory: 0.5 } },
      0.891,
    ],
    [
      'nothing at a layer’s rate of 0',
      { ...idleFor(10), layer: 'reflective' },
      { layer_rates: { reflective: 0 } },
      0.9,
    ],
    [
      'by its age where it was never accessed',
      { importance: 0.9, created_at: daysBefore(60), last_accessed_at: null },
      {},
      0.873,
    ],
    ['nothing once it is at the floor', { ...idleFor(60), importance: 0.01 }, {}, 0.01],
    ['nothing when it is below the floor', { ...idleFor(60), importance: 0.005 }, {}, 0.005],
    ['no more than down to the floor', { ...idleFor(60), importance: 0.0101 }, {}, 0.01],
    ['down to a floor of its tenant', { ...idleFor(60), importance: 0.25 }, { floor: 0.249 }, 0.249],
    [
      'nothing on dates before it was stored',
      { importance: 0.9, created_at: daysBefore(-1), last_accessed_at: null },
      {},
      0.9,
    ],
    [
      'on the date itself that it was stored, later than the slot though it be',
      { importance: 0.9, created_at: daysBefore(0, 3_600_000), last_accessed_at: null },
      {},
      0.8955,
    ],
  ])('%s', async (_what, memory, policy, importance) => {
    expect(await importanceAfter([memory], policy)).toEqual([close(importance)]);
  });

  it('nothing when it has no importance at all', async () => {
    expect(await importanceAfter([{ ...idleFor(60), importance: null }, idleFor(60)])).toEqual([null, close(0.873)]);
  });

  it('something every day however small it is, without ever failing', async () => {
    const policy = { rate: 0.999, floor: 0 };
    const slots = Array.from({ length: 400 }, (_n, index) => day(index));
    const [tiny, small] = await importanceAfter([{ ...idleFor(10), importance: 1e-300 }, idleFor(10)], policy, slots);
    expect(tiny).toBeLessThanOrEqual(1e-300);
    expect(small).toBeLessThan(1e-100);
  });
});

describe('a date', () => {
  it('is the one in the tenant’s zone', async () => {
    // 23:30 UTC is the next day in Berlin, and the same day in New York.
    const stored = { importance: 0.9, created_at: new Date('2026-06-15T23:30:00Z'), last_accessed_at: null };
    const slot = new Date('2026-06-15T20:00:00Z');
    expect(await importanceAfter([stored], { time_zone: 'Europe/Berlin' }, [slot])).toEqual([0.9]);
    expect(await importanceAfter([stored], { time_zone: 'America/New_York' }, [slot])).toEqual([close(0.8955)]);
  });

  it('is decayed once for all its slots: a cron of every six hours changes nothing after the first', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, [idleFor(10)]);
    for (const hours of [0, 6, 12, 18]) {
      await decayRun(database(), decay, { tenantId, slots: [daysBefore(0, hours * 3_600_000)] });
      expect([...(await readMemories(database(), tenantId)).values()][0]?.importance).toEqual(close(0.891));
    }
  });

  it('with several slots in one run takes the idle time at the first of them', async () => {
    const memory = idleFor(29.9);
    expect(await importanceAfter([memory], {}, [SLOT, daysBefore(0, 6 * 3_600_000)])).toEqual([close(0.891)]);
  });

  it('again changes nothing at all, not even which transaction wrote a row last', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, [idleFor(3), idleFor(10), idleFor(60)]);
    await decayRun(database(), decay, { tenantId, slots: [SLOT] });
    const before = await readMemories(database(), tenantId);
    const again = await decayRun(database(), decay, { tenantId, slots: [SLOT], policy: { rate: 0.9 } });
    expect(again).toMatchObject({ status: 'done', counts: { decayed: 0, dates: 0 } });
    expect(await readMemories(database(), tenantId)).toEqual(before);
  });

  it('that was missed is made up for: several at once equal as many daily runs', async () => {
    const memories = [1, 5, 6.5, 8, 25, 29, 40, 100].map((days) => idleFor(days));
    const slots = Array.from({ length: 10 }, (_n, index) => day(index));
    const wanted = memories.map((memory) => decayed({ created_at: SLOT, ...memory }, DEFAULT_RULES, slots));
    const atOnce = await importanceAfter(memories, {}, slots);
    const tenantId = await addTenant(database());
    const ids = await addMemories(database(), tenantId, memories);
    for (const slot of [...slots].reverse()) await decayRun(database(), decay, { tenantId, slots: [slot] });
    const rows = await readMemories(database(), tenantId);
    expect(atOnce).toEqual(wanted.map((value) => close(value ?? 0)));
    expect(ids.map((id) => rows.get(id)?.importance)).toEqual(wanted.map((value) => close(value ?? 0)));
  });

  it('of which there were a thousand takes one row of the tenant, which does not grow', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, [idleFor(1)]);
    await decayRun(database(), decay, { tenantId, slots: Array.from({ length: 1_000 }, (_n, index) => day(index)) });
    const marks = await database().admin(
      'select dates::text as dates, begun from public.decay_marks where tenant_id = $1',
      [tenantId],
    );
    expect(marks).toEqual([{ dates: '{[2026-06-15,2029-03-11)}', begun: {} }]);
  });
});

describe('a run of decay', () => {
  it('changes importance and nothing else of a memory', async () => {
    const tenantId = await addTenant(database());
    const rich = {
      ...idleFor(60),
      content: 'Grüße, 世界',
      tags: ['a', 'b c'],
      metadata: { deep: { list: [1, null, 'x'] } },
    };
    await addMemories(database(), tenantId, [rich, { ...rich, layer: 'semantic' }]);
    const before = await readMemories(database(), tenantId);
    await decayRun(database(), decay, { tenantId, slots: [SLOT] });
    const changed = await readMemories(database(), tenantId);
    for (const [id, row] of changed) {
      expect(row.importance).toEqual(close(0.873));
      const unchanged = { importance: 0, written_by: 0 };
      expect({ ...row, ...unchanged }).toEqual({ ...before.get(id), ...unchanged });
    }
  });

  it('leaves every other tenant as it was, to the byte', async () => {
    const [tenantId, other] = [await addTenant(database()), await addTenant(database())];
    for (const id of [tenantId, other]) await addMemories(database(), id, [idleFor(3), idleFor(60)]);
    await decayRun(database(), decay, { tenantId: other, slots: [daysBefore(5)] });
    const theirs = await readMemories(database(), other);
    const marks = () => database().admin('select *, xmin::text from public.decay_marks where tenant_id = $1', [other]);
    const before = await marks();
    await decayRun(database(), decay, { tenantId, slots: [SLOT, day(1), day(2)] });
    expect(await readMemories(database(), other)).toEqual(theirs);
    expect(await marks()).toEqual(before);
  });

  it('says how many memories and dates it has written', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, [
      ...Array.from({ length: 24 }, () => idleFor(10)),
      { ...idleFor(10), importance: 0.001 },
    ]);
    const answer = await decayRun(database(), decay, { tenantId, slots: [SLOT, day(1)], stepRows: 10 });
    expect(answer).toMatchObject({ status: 'done', counts: { decayed: 24, dates: 2 } });
  });

  it('works in steps of the size that is set, each committed', async () => {
    const tenantId = await addTenant(database());
    await addMemories(
      database(),
      tenantId,
      Array.from({ length: 25 }, () => idleFor(10)),
    );
    const lowered = async () =>
      [...(await readMemories(database(), tenantId)).values()].filter((row) => Number(row.importance) < 0.9).length;
    const seen: number[] = [];
    for (const killedAfter of [1, 1]) {
      expect((await decayRun(database(), decay, { tenantId, slots: [SLOT], stepRows: 10, killedAfter })).status).toBe(
        'more',
      );
      seen.push(await lowered());
    }
    expect((await decayRun(database(), decay, { tenantId, slots: [SLOT], stepRows: 10 })).status).toBe('done');
    expect([...seen, await lowered()]).toEqual([10, 20, 25]);
  });

  it('ends right for two of one tenant at the same time', async () => {
    const tenantId = await addTenant(database());
    await addMemories(
      database(),
      tenantId,
      Array.from({ length: 40 }, () => idleFor(10)),
    );
    await decayRun(database(), decay, { tenantId, slots: [daysBefore(20)] });
    const before = [...(await readMemories(database(), tenantId)).values()][0]?.importance ?? 0;
    const both = [
      [SLOT, day(1)],
      [day(2), day(3)],
    ].map((slots) => decayRun(database(), decay, { tenantId, slots, stepRows: 10 }));
    expect((await Promise.all(both)).map((answer) => answer.status)).toEqual(['done', 'done']);
    for (const row of (await readMemories(database(), tenantId)).values())
      expect(row.importance).toEqual(close(Number(before) * 0.99 ** 4));
  });

  it('finds room for the new version of a row on its own page, so that no index is touched', async () => {
    const shares: number[] = [];
    // Old versions make room only once no transaction on the whole server may still see them, and other tests are at
    // work on it: one undisturbed pass shows what is to be shown.
    while (shares.length < 60 && Math.max(0, ...shares) <= 0.95) shares.push(await shareOfHotUpdates());
    expect(Math.max(...shares), `shares: ${shares}`).toBeGreaterThan(0.95);
  });
});

/** Decays 40 tenants whose memories lie mixed on the same pages, as they arrive in life, and gives the share of HOT updates. */
async function shareOfHotUpdates(): Promise<number> {
  const tenants = await Promise.all(Array.from({ length: 40 }, () => addTenant(database())));
  await database().admin(
    `insert into public.memories (tenant_id, content, importance, created_at, last_accessed_at)
     select t, repeat('x', 150), 0.9, $2::timestamptz - interval '400 days', $2::timestamptz - interval '10 days'
       from generate_series(1, 60) n, unnest($1::uuid[]) t order by n, t`,
    [tenants, SLOT],
  );
  const worker = database().tenants('rae_worker', { poolSize: 1 });
  const one = await performing('decay', worker);
  const updates = async () => {
    await worker.inTenant(tenants[0] ?? '', (tx) => tx.rows(FLUSH));
    const [row] = await database().admin<{ updated: number; hot: number }>(
      "select n_tup_upd::int as updated, n_tup_hot_upd::int as hot from pg_stat_user_tables where relname = 'memories'",
    );
    return row ?? { updated: 0, hot: 0 };
  };
  const before = await updates();
  for (const tenantId of tenants) await decayRun(database(), one, { tenantId, slots: [SLOT] });
  const after = async () => ((await updates()).updated >= before.updated + 40 * 60 ? await updates() : undefined);
  const now = await eventually(after, { what: 'the statistics' });
  return (now.hot - before.hot) / (now.updated - before.updated);
}

describe('a tenant', () => {
  const cadence = async (tenantId: string, columns = 'idle = false') => {
    await database().admin(
      "insert into public.tenant_cadences (tenant_id, worker, hint_seq) values ($1, 'decay', 3) on conflict do nothing",
      [tenantId],
    );
    await database().admin(`update public.tenant_cadences set ${columns} where tenant_id = $1`, [tenantId]);
  };
  const isIdle = async (tenantId: string) =>
    (
      await database().admin<{ idle: boolean }>('select idle from public.tenant_cadences where tenant_id = $1', [
        tenantId,
      ])
    )[0]?.idle;

  it('without a memory is idle until something arrives', async () => {
    const tenantId = await addTenant(database());
    await cadence(tenantId);
    expect(await decayRun(database(), decay, { tenantId, slots: [SLOT] })).toMatchObject({
      status: 'done',
      counts: { decayed: 0, dates: 1 },
    });
    expect(await isIdle(tenantId)).toBe(true);
  });

  it.each<[what: string, memories: readonly MemoryColumns[]]>([
    ['with a memory', [idleFor(10)]],
    ['whose memories are all at the floor', [{ ...idleFor(10), importance: 0.01 }]],
    ['whose memories were all stored later', [{ importance: 0.5, created_at: day(30) }]],
  ])('%s stays due', async (_what, memories) => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, memories);
    await cadence(tenantId);
    await decayRun(database(), decay, { tenantId, slots: [SLOT] });
    expect(await isIdle(tenantId)).toBe(false);
  });

  it('stays due when a hint is folded in while its run is at work', async () => {
    const tenantId = await addTenant(database());
    await cadence(tenantId);
    await connected(database().url('rae_scheduler'), async (client) => {
      await client.query('begin');
      await client.query('update public.tenant_cadences set hint_seq = hint_seq + 1 where tenant_id = $1', [tenantId]);
      const running = decayRun(database(), decay, { tenantId, slots: [SLOT] });
      const isWaiting = async () => {
        const waiting = await database().admin(
          "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%perform_decay%'",
        );
        return waiting.length > 0 ? true : undefined;
      };
      await eventually(isWaiting, { what: 'the run to wait for the fold' });
      await client.query('commit');
      expect((await running).status).toBe('done');
    });
    expect(await isIdle(tenantId)).toBe(false);
  });

  it('gets a hint for its memories by one row per statement, however many they are', async () => {
    const tenantId = await addTenant(database());
    await database().admin('delete from public.due_hints where tenant_id = $1', [tenantId]);
    await addMemories(
      database(),
      tenantId,
      Array.from({ length: 50 }, () => idleFor(10)),
    );
    expect(
      await database().admin('select kind, worker from public.due_hints where tenant_id = $1', [tenantId]),
    ).toEqual([{ kind: 'memory', worker: null }]);
  });
});

describe('decay_completed', () => {
  const events = (tenantId: string) =>
    database().admin('select event_type, source, payload from public.events where tenant_id = $1', [tenantId]);
  const memories = Array.from({ length: 25 }, () => idleFor(10));

  it('is said once when a date is finished, however often the run was killed, to a tenant whose rules listen', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, memories);
    await storeRule(database(), tenantId, { event_types: ['custom.other', 'decay_completed'] });
    const run = { tenantId, slots: [SLOT], stepRows: 10 };
    for (const killedAfter of [1, 1]) await decayRun(database(), decay, { ...run, killedAfter });
    expect(await events(tenantId)).toEqual([]);
    for (let again = 0; again < 2; again += 1) await decayRun(database(), decay, run);
    const said = { event_type: 'decay_completed', source: 'decay', payload: { dates: ['2026-06-15'] } };
    expect(await events(tenantId)).toEqual([said]);
    await decayRun(database(), decay, { ...run, slots: [day(1), day(2)] });
    expect(await events(tenantId)).toEqual([said, { ...said, payload: { dates: ['2026-06-16', '2026-06-17'] } }]);
  });

  it('is not said where no rule listens, or none that is in use', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, memories);
    await storeRule(database(), tenantId, { event_types: ['decay_completed'], is_enabled: false });
    await storeRule(database(), tenantId, { rule_name: 'other', event_types: ['custom.other'] });
    await decayRun(database(), decay, { tenantId, slots: [SLOT] });
    expect(await events(tenantId)).toEqual([]);
  });
});
