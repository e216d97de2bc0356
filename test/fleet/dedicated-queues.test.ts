import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConsumers } from '../../queues/consumers.ts';
import { dedicatedQueue } from '../../queues/names.ts';
import { hearWork } from '../../queues/topology.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { enrolled, quiet, runsOf } from '../support/ledger.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const LIMIT = 2;
/** No ticket is given up for having waited for its queue's turn. */
const PATIENT = { RAE_LEASE_SECONDS: '60' };
const PARTITIONS = 2;
const SLOTS = Array.from({ length: 5 }, (_none, day) => new Date(Date.UTC(2026, 2, 1 + day, 2)));
let redis: Redis;
let subscriber: Redis;
let tenants: readonly string[];

beforeAll(async () => {
  redis = new Redis(redisUrl());
  subscriber = new Redis(redisUrl());
  tenants = await Promise.all(Array.from({ length: 7 }, () => addTenant(database(), { plan: 'enterprise' })));
});

afterAll(() => {
  redis.disconnect();
  subscriber.disconnect();
});

/** The queues on which a worker process has a connection now. */
async function connected(): Promise<readonly string[]> {
  const names = String(await redis.client('LIST')).matchAll(/ name=bull:(\S+) /g);
  return [...names].map(([, name = '']) => Buffer.from(name.split(':')[0] ?? '', 'base64').toString());
}

/** Looks at the connections again and again until `work` ends; gives the most there were at once, and to which queues. */
async function connectedDuring(work: Promise<void>): Promise<{ readonly most: number; readonly all: Set<string> }> {
  const all = new Set<string>();
  let most = 0;
  let ended = false;
  const ending = work.finally(() => {
    ended = true;
  });
  while (!ended) {
    const queues = await connected();
    most = Math.max(most, queues.length);
    for (const queue of queues) all.add(queue);
  }
  await ending;
  return { most, all };
}

/** Owes every one of the tenants a run of each slot, and waits until none is owed any more. */
async function done(to: readonly string[], slots: readonly Date[]): Promise<void> {
  await database().admin(
    `insert into public.runs (tenant_id, worker, slot)
     select t, 'decay', s from unnest($1::uuid[]) t, unnest($2::timestamptz[]) s`,
    [to, slots],
  );
  await quiet(database());
}

const dedicated = (worker: TestProcess, event: string) =>
  worker.logs
    .filter((entry) => entry.event === event)
    .map(({ queue }) => String(queue))
    .filter((queue) => queue.includes('.t-'));

describe('a process that may hold fewer dedicated queues than have work', () => {
  it('gives each its turn, does every run once, and never has a connection more than it may', async () => {
    const fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), env: PATIENT });
    const worker = fleet.worker(['decay'], { RAE_DEDICATED_QUEUES: String(LIMIT) });
    await ready(fleet.scheduler(), worker);
    await enrolled(database(), tenants);
    const { most, all } = await connectedDuring(done(tenants, SLOTS));
    for (const tenant of tenants) {
      const runs = await runsOf(database(), tenant);
      expect(runs.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual(SLOTS.map(() => 'done 1'));
    }
    expect(most).toBe(PARTITIONS + LIMIT);
    expect(all.size, 'the connections were seen').toBeGreaterThan(PARTITIONS + LIMIT);
    expect(new Set(dedicated(worker, 'queue.attached')).size).toBe(tenants.length);
    expect(dedicated(worker, 'queue.released').length).toBeGreaterThanOrEqual(tenants.length - LIMIT);
  });

  it('is told at once of a queue that gets work', async () => {
    const fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), env: PATIENT });
    const worker = fleet.worker(['decay'], { RAE_DEDICATED_QUEUES: '100' });
    await ready(fleet.scheduler(), worker);
    const [tenant = ''] = tenants;
    const queue = dedicatedQueue('decay', tenant);
    const heard: unknown[] = [];
    const stop = await hearWork(subscriber, (queues) => void heard.push(...queues));
    await done([tenant], [new Date(Date.UTC(2026, 3, 1, 2))]);
    await eventually(() => heard.length > 0 || undefined, { what: 'it to be said' });
    expect(new Set(heard)).toEqual(new Set([queue]));
    expect(dedicated(worker, 'queue.attached')).toContain(queue);
    await stop();
  });
});

describe('a dedicated queue that no process takes', () => {
  it('holds its work in the ledger and nobody else up, and goes on when a process comes that takes it', async () => {
    const fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), env: PATIENT });
    const others = fleet.worker(['decay'], { RAE_CONSUME: 'shared' });
    await ready(others);
    // Processes of before, which took everything, are believed in until what they have announced has lapsed.
    const isAlone = async () => (await readConsumers(redis)).processes.get('decay') === 1 || undefined;
    await eventually(isAlone, { what: 'nobody else to take work' });
    await ready(fleet.scheduler());
    const [tenant = ''] = tenants;
    const small = await addTenant(database(), { plan: 'free' });
    await enrolled(database(), [tenant, small]);
    const slot = new Date(Date.UTC(2026, 4, 1, 2));
    await database().admin(
      "insert into public.runs (tenant_id, worker, slot) select t, 'decay', $2 from unnest($1::uuid[]) t",
      [[tenant, small], slot],
    );
    const why = async () => {
      const [row] = await database().admin<{ reason: string | null }>(
        'select reason from public.owed_work where tenant_id = $1',
        [tenant],
      );
      return row?.reason === 'no_consumer' || undefined;
    };
    await eventually(why, { what: 'it to be held as nobody takes it' });
    const done = async () => (await runsOf(database(), small)).every(({ state }) => state === 'done') || undefined;
    await eventually(done, { what: 'the other to be done' });
    expect(await redis.exists(`bull:{${dedicatedQueue('decay', tenant)}}:wait`)).toBe(0);
    const own = fleet.worker(['decay'], { RAE_CONSUME: tenant });
    await quiet(database());
    expect((await runsOf(database(), tenant)).at(-1)).toMatchObject({ state: 'done', attempt: 1 });
    expect(dedicated(own, 'queue.attached')).toEqual([dedicatedQueue('decay', tenant)]);
    expect(dedicated(others, 'queue.attached')).toEqual([]);
  });
});
