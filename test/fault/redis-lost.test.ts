import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useCheckoutCopy } from '../support/checkout-copy.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { enrolled, quiet } from '../support/ledger.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { TALLY } from '../support/tally-worker.ts';
import { type MixedTenant, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';

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

/** Starts a fleet on the Redis of the test, whose only worker is slow enough for a fault to find it at work. */
async function startFleet() {
  const fleet = new TestFleet({ database: database(), redisUrl: redis.url, build: copy.build });
  const scheduler = fleet.scheduler();
  const worker = fleet.worker(['tally'], { RAE_SETTINGS: '{"tally":{"step_ms":15}}', RAE_CONCURRENCY: '2' });
  await ready(scheduler, worker);
  await enrolled(
    database(),
    tenants.map(({ id }) => id),
    'tally',
  );
  return { fleet, scheduler, worker };
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
