import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announceConsumer } from '../../queues/consumers.ts';
import { hashTagged, sharedQueue } from '../../queues/names.ts';
import { useCheckoutCopy } from '../support/checkout-copy.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { enrolled, quiet } from '../support/ledger.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { TALLY } from '../support/tally-worker.ts';
import { type MixedTenant, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';
import { queueKey } from '../support/tickets.ts';

const database = useDatabase();
useProcesses();
const copy = useCheckoutCopy({ tally: TALLY });
const random = seeded('redis lost');
const MEMORIES = 7;
let redis: OwnRedis;
let tenants: readonly MixedTenant[];

beforeAll(async () => {
  await copy.compile();
  await copy.migrate(database());
  tenants = await mixedTenants(
    database(),
    random,
    Array.from({ length: 80 }, () => MEMORIES),
  );
});

beforeEach(async () => {
  await database().admin('delete from public.runs; update public.memories set usage_count = 0');
  redis = new OwnRedis();
  await redis.start();
  return () => redis.remove();
});

/** A lease so long that nothing is taken back because it ran out: whatever is mended was noticed. */
const LONG_LEASE = { RAE_LEASE_SECONDS: '600', RAE_CONCURRENCY: '16' };
/** Tickets that wait in each queue when something is done to them. */
const WAITING = 8;

/**
 * Starts a scheduler on the Redis of the test. `work` starts a process of its only worker, which is slow enough for a
 * fault to find it at work.
 */
async function startScheduler(env: Readonly<Record<string, string>> = {}) {
  const fleet = new TestFleet({ database: database(), redisUrl: redis.url, build: copy.build, env });
  const scheduler = fleet.scheduler();
  await ready(scheduler);
  await enrolled(
    database(),
    tenants.map(({ id }) => id),
    'tally',
  );
  const settings = { RAE_SETTINGS: '{"tally":{"step_ms":15}}', RAE_CONCURRENCY: '2', ...env };
  return { scheduler, work: () => fleet.worker(['tally'], settings) };
}

/** The same with a worker that is ready. */
async function startFleet(env: Readonly<Record<string, string>> = {}) {
  const { scheduler, work } = await startScheduler(env);
  const worker = work();
  await ready(worker);
  return { scheduler, worker };
}

async function oweAll(day: Date): Promise<void> {
  await database().admin("insert into public.runs (tenant_id, worker, slot) select unnest($1::uuid[]), 'tally', $2", [
    tenants.map(({ id }) => id),
    day,
  ]);
}

async function anyDone(): Promise<true | undefined> {
  const [run] = await database().admin("select from public.runs where state = 'done'");
  return run === undefined ? undefined : true;
}

/** All runs are done, and every memory was counted up once for each of them. */
async function expectCountedOnce(days: number): Promise<void> {
  const runs = await database().admin('select state, count(*)::int as runs from public.runs group by state');
  expect(runs).toEqual([{ state: 'done', runs: days * tenants.length }]);
  const usage = await database().admin('select usage_count, count(*)::int as n from public.memories group by 1');
  expect(usage).toEqual([{ usage_count: days, n: MEMORIES * tenants.length }]);
}

const QUEUES = [sharedQueue('tally', 0), sharedQueue('tally', 1)];
const key = (queue: string, name: string) => String(queueKey(queue, name));

/** Ids of the tickets that wait in a queue, next to be taken first. */
async function waitingIn(one: Redis, queue: string): Promise<readonly string[]> {
  return (await one.lrange(key(queue, 'wait'), 0, -1)).reverse();
}

/** No run was taken back because its lease ran out. */
function expectNothingRescued(scheduler: TestProcess): void {
  expect(scheduler.logs.filter(({ event }) => event === 'runs.rescued')).toEqual([]);
}

/** Does something to the queues while so many tickets wait in each of them, for processes of which none takes any. */
async function whileTicketsWait<T>(day: Date, work: (one: Redis) => Promise<T>): Promise<T> {
  // Enough for all runs of the day, however long they are expected to take and whichever queue they are of.
  const [slots, steps] = [2 * tenants.length, 1];
  return await redis.ask(async (one) => {
    await announceConsumer(one, { id: 'nobody', workers: ['tally'], slots, steps, queues: QUEUES }, 600_000);
    await oweAll(day);
    const isEnough = async () => {
      const lengths = await Promise.all(QUEUES.map((queue) => one.llen(key(queue, 'wait'))));
      return Math.min(...lengths) >= WAITING ? true : undefined;
    };
    await eventually(isEnough, { what: `${WAITING} tickets to wait in each queue`, withinMs: 20_000 });
    return await work(one);
  });
}

async function noTicketIsLeft(): Promise<void> {
  await eventually(async () => ((await redis.tickets()) === 0 ? true : undefined), { what: 'no ticket to be left' });
}

/** What somebody may delete of a queue. Each gives how much it was. */
const HARMS: Readonly<Record<string, (one: Redis, queue: string) => Promise<number>>> = {
  'the list of those that wait': (one, queue) => one.del(key(queue, 'wait')),
  'the data of some': async (one, queue) =>
    await one.del((await waitingIn(one, queue)).slice(0, 5).map((id) => key(queue, id))),
  'some from the list': async (one, queue) => {
    const ids = (await waitingIn(one, queue)).slice(0, 5);
    const removed = await Promise.all(ids.map((id) => one.lrem(key(queue, 'wait'), 0, id)));
    return removed.reduce((sum, count) => sum + count, 0);
  },
};

describe('a queue that somebody changes by hand', () => {
  it('goes on when it is paused or limited', async () => {
    const { scheduler } = await startFleet(LONG_LEASE);
    const days = TEN_DAYS.slice(0, 3);
    for (const day of days) {
      await redis.ask(async (one) => {
        for (const name of QUEUES) {
          const queue = new Queue(hashTagged(name), { connection: one, skipVersionCheck: true });
          await queue.pause();
          await queue.setGlobalConcurrency(0);
          await queue.setGlobalRateLimit(1, 3_600_000);
          await queue.close();
        }
      });
      await oweAll(day);
      await quiet(database());
    }
    await expectCountedOnce(days.length);
    for (const queue of QUEUES) {
      const pauses = scheduler.logs.filter((entry) => entry.event === 'queue.mended' && entry.queue === queue);
      expect(pauses.filter(({ keys }) => String(keys).includes('meta.paused'))).toHaveLength(days.length);
    }
    expectNothingRescued(scheduler);
  });

  it.each(Object.entries(HARMS))('loses nothing when somebody deletes %s', async (_what, harm) => {
    const { scheduler, work } = await startScheduler(LONG_LEASE);
    const [day] = TEN_DAYS as [Date];
    const deleted = await whileTicketsWait(
      day,
      async (one) => await Promise.all(QUEUES.map((queue) => harm(one, queue))),
    );
    expect(Math.min(...deleted), 'something was deleted of each queue').toBeGreaterThan(0);
    await ready(work());
    await quiet(database());
    await expectCountedOnce(1);
    await noTicketIsLeft();
    expectNothingRescued(scheduler);
  });

  it('loses and doubles nothing when somebody deletes the list of those that are worked on', async () => {
    const { scheduler } = await startFleet(LONG_LEASE);
    const days = TEN_DAYS.slice(0, 3);
    for (const day of days) {
      await oweAll(day);
      await redis.ask(async (one) => {
        const isDeleted = async () => ((await one.del(key(QUEUES[0] as string, 'active'))) === 1 ? true : undefined);
        await eventually(isDeleted, { what: 'a list to delete' });
      });
      await quiet(database());
    }
    await expectCountedOnce(days.length);
    await noTicketIsLeft();
    expectNothingRescued(scheduler);
  });
});

describe('a Redis that comes back with an older state', () => {
  it('loses no run that was admitted since, and doubles none that was done since', async () => {
    const { scheduler, work } = await startScheduler(LONG_LEASE);
    const [first, second] = TEN_DAYS as [Date, Date];
    await whileTicketsWait(first, (one) => one.save());
    const before = work();
    await ready(before);
    await quiet(database());
    before.kill();
    await before.ended();
    await whileTicketsWait(second, () => redis.kill());
    await redis.start();
    expect(await redis.tickets(), 'tickets of before are back').toBeGreaterThanOrEqual(QUEUES.length * WAITING);
    const worker = work();
    await ready(worker);
    await quiet(database());
    await expectCountedOnce(2);
    await worker.event('fence.lost');
    await noTicketIsLeft();
    expectNothingRescued(scheduler);
  });
});

describe('a Redis that is emptied', () => {
  it('three times in the middle of cycles loses no run and doubles none, and nobody does anything about it', async () => {
    const { worker } = await startFleet();
    for (let day = 0; day < 6; day += 2) {
      await oweAll(TEN_DAYS[day] as Date);
      await eventually(anyDone, { what: 'a run to be done' });
      worker.kill('SIGSTOP');
      await oweAll(TEN_DAYS[day + 1] as Date);
      await redis.holds(3);
      expect(await redis.empty(), 'tickets were lost').toBeGreaterThanOrEqual(3);
      worker.kill('SIGCONT');
    }
    await quiet(database());
    await expectCountedOnce(6);
    expect(await redis.tickets()).toBe(0);
  });
});

describe('a Redis that dies', () => {
  it('and comes back empty loses no run and doubles none, whatever is planned meanwhile', async () => {
    const { scheduler, worker } = await startFleet();
    const [first, second, third] = TEN_DAYS as [Date, Date, Date];
    worker.kill('SIGSTOP');
    await oweAll(first);
    await redis.holds(3);
    await redis.kill();
    // What it was told just before has it attach to queues of a Redis that is gone.
    worker.kill('SIGCONT');
    await scheduler.event('redis.disconnected', { role: 'producer' });
    await worker.event('redis.disconnected', { role: 'consumer' });
    await oweAll(second);
    const [gone] = await database().admin<{ at: Date }>('select now() as at');
    await eventually(
      async () => {
        const [run] = await database().admin('select from public.runs where queued_at > $1', [gone?.at]);
        return run === undefined ? undefined : true;
      },
      { what: 'runs to be queued while Redis is away', withinMs: 20_000 },
    );
    await redis.start();
    await oweAll(third);
    await quiet(database());
    await expectCountedOnce(3);
    expect(scheduler.exit ?? worker.exit, 'no process ended').toBeUndefined();
  });

  it('is no reason for a process to call itself dead, only to be not ready', async () => {
    const { scheduler, worker } = await startFleet();
    const ask = async (of: typeof worker, path: string) => {
      const { port } = await of.event('port.opened');
      return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    };
    await redis.kill();
    for (const one of [scheduler, worker]) {
      await eventually(async () => ((await ask(one, '/readyz')) === 503 ? true : undefined), {
        what: 'not to be ready',
      });
      expect(await ask(one, '/healthz')).toBe(200);
    }
    await redis.start();
    for (const one of [scheduler, worker]) {
      await eventually(async () => ((await ask(one, '/readyz')) === 200 ? true : undefined), {
        what: 'to be ready again',
        withinMs: 20_000,
      });
    }
  });
});
