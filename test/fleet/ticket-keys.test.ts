import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sharedQueue } from '../../queues/names.ts';
import { announceAbsent } from '../support/absent-consumer.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { LEASE_SECONDS, ready, TestFleet } from '../support/fleet.ts';
import { quiet, runsOf } from '../support/ledger.ts';
import { useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';
import { fleetKeys, putByHand, ticketOf, ticketRun } from '../support/tickets.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const key = (id: string, fill: number): string => `${id}:${Buffer.alloc(32, fill).toString('base64')}`;
const fleet = (env: Readonly<Record<string, string>> = {}) =>
  new TestFleet({ database: database(), redisUrl: redisUrl(), env });
let tenant = '';
let day = 0;
let redis: Redis;

beforeAll(() => {
  redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
});
// Tickets of one test's keys are foreign to the next.
beforeEach(async () => {
  await redis.flushdb();
});
afterAll(() => redis.disconnect());

/** One more run owed to the tenant. */
async function owe(): Promise<void> {
  if (tenant === '') tenant = await addTenant(database());
  day += 1;
  const slot = new Date(Date.UTC(2026, 0, day));
  await database().admin("insert into public.runs (tenant_id, worker, slot) values ($1, 'decay', $2)", [tenant, slot]);
}

/** Waits until nothing is owed and all that was owed so far is done. */
async function allDone(): Promise<void> {
  await quiet(database());
  expect((await runsOf(database(), tenant)).map(({ state }) => state)).toEqual(
    Array.from({ length: day }, () => 'done'),
  );
}

describe('a fleet without keys of its own choice', () => {
  it('makes one key, however many schedulers start at once, and workers that come first wait for it', async () => {
    const worker = fleet().worker();
    await ready(worker);
    expect(worker.logs.some(({ event }) => event === 'queue.attached')).toBe(false);
    await ready(...[1, 2, 3].map(() => fleet().scheduler()));
    await worker.event('queue.attached');
    await owe();
    await allDone();
    const rows = await database().admin<{ value: string }>('select name, value from public.fleet_secrets');
    expect(rows).toEqual([
      { name: 'envelope_keys', value: expect.stringMatching(/^fleet-[0-9a-f]{8}:[A-Za-z0-9+/]{43}=$/) },
    ]);
    expect(worker.err).not.toContain(rows[0]?.value.split(':')[1]);
    expect(worker.logs.filter(({ event }) => event === 'ticket.refused')).toEqual([]);
  });

  it('follows a new key that is put before the old one', async () => {
    const worker = fleet().worker();
    await ready(worker, fleet().scheduler());
    await owe();
    await allDone();
    await database().admin("update public.fleet_secrets set value = $1 || ',' || value", [key('newer', 7)]);
    const scheduler = fleet().scheduler();
    await ready(scheduler);
    const keys = await fleetKeys(database());
    expect(keys.newest).toBe('newer');
    const queue = sharedQueue('decay', 0);
    const isKnown = async () => {
      await putByHand(redis, [{ queue, fields: { data: JSON.stringify(ticketOf(keys, queue, [ticketRun(tenant)])) } }]);
      return worker.logs.some(({ event }) => event === 'fence.lost') ? true : undefined;
    };
    await eventually(isKnown, { what: 'the new key to be known', withinMs: 20_000 });
  });
});

describe('keys that were given', () => {
  it('can be changed one process after the other', async () => {
    const [older, newer] = [key('k1', 1), key('k2', 2)];
    const worker = fleet({ RAE_ENVELOPE_KEYS: `${newer},${older}` }).worker();
    const scheduler = fleet({ RAE_ENVELOPE_KEYS: older }).scheduler();
    await ready(worker, scheduler);
    await owe();
    await allDone();
    scheduler.kill();
    await scheduler.ended();
    await ready(fleet({ RAE_ENVELOPE_KEYS: newer }).scheduler());
    await owe();
    await allDone();
    expect(worker.logs.filter(({ event }) => event === 'ticket.refused')).toEqual([]);
  });
});

describe('tickets that nobody took in time', () => {
  it('are handed back by the worker that comes at last, and their runs are done', async () => {
    const scheduler = fleet({ RAE_ENVELOPE_KEYS: key('k1', 1) }).scheduler();
    await ready(scheduler);
    await announceAbsent(redisUrl(), 3_000);
    await owe();
    // Its ticket lay in the queue for a lease, and the run was taken back.
    await scheduler.event('runs.rescued', {}, 30_000);
    // A ticket is good for two leases, rounded up to three at most.
    const old = Date.now() + 3_000 * LEASE_SECONDS;
    await eventually(() => (Date.now() > old ? true : undefined), { what: 'tickets to be too old', withinMs: 30_000 });
    const worker = fleet({ RAE_ENVELOPE_KEYS: key('k1', 1) }).worker();
    await worker.event('ticket.expired');
    await allDone();
  });
});
