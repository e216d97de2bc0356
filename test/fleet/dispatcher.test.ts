import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TicketProducer } from '../../queues/producer.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { Dispatcher } from '../../src/dispatch/dispatcher.ts';
import { DispatchLease } from '../../src/dispatch/lease.ts';
import { TicketSealer } from '../../src/dispatch/ticket-sealer.ts';
import { Windows } from '../../src/dispatch/windows.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { Events } from '../../src/observe/events.ts';
import { type Redis, redisConnection } from '../../src/redis/connection.ts';
import { type ConnectAs, useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
let tenants: readonly string[] = [];

beforeAll(async () => {
  tenants = await Promise.all(Array.from({ length: 10 }, () => addTenant(database())));
});

beforeEach(async () => {
  await database().admin('delete from public.runs; delete from public.leases');
});

async function owe(perTenant: number): Promise<void> {
  await database().admin(
    `insert into public.runs (tenant_id, worker, slot)
     select t, 'decay', timestamptz '2026-03-01T02:00Z' + d * interval '1 day'
       from unnest($1::uuid[]) t, generate_series(1, $2::int) d`,
    [tenants, perTenant],
  );
}

async function inState(state: string): Promise<number> {
  const [row] = await database().admin<{ n: number }>('select count(*)::int as n from public.runs where state = $1', [
    state,
  ]);
  return row?.n ?? 0;
}

/** The tenants of each ticket that waits in Redis. */
async function ticketsOf(url: string): Promise<readonly (readonly string[])[]> {
  const redis = redisConnection(url, 'producer');
  await redis.connect();
  try {
    const keys = (await redis.keys('bull:{rae.*')).filter((key) => /:[\w-]{43}$/.test(key));
    const data = await Promise.all(keys.map((key) => redis.hget(key, 'data')));
    return data.map((text) => (JSON.parse(text ?? '{}').runs as { tenant: string }[]).map(({ tenant }) => tenant));
  } finally {
    redis.disconnect();
  }
}

const ring = new Keyring(readKeyList(`k1:${Buffer.alloc(32, 1).toString('base64')}`));

/** A dispatcher with its lease, all its own; `clock` is its idea of the time. */
async function withDispatcher(
  options: { readonly clock?: Clock; readonly window?: number; readonly as?: ConnectAs },
  use: (one: { dispatcher: Dispatcher; lease: DispatchLease; events: Events }) => Promise<void>,
): Promise<void> {
  const { clock = systemClock, window = 200, as = 'rae_scheduler' } = options;
  const events = new Events();
  const redis: Redis = redisConnection(redisUrl(), 'producer');
  await redis.connect();
  const producer = new TicketProducer(redis);
  const lease = new DispatchLease(database().open('rae_scheduler'), clock, 'main', `test ${Math.random()}`);
  const dispatcher = new Dispatcher({
    database: database().open(as),
    lease,
    producer,
    sealer: new TicketSealer({ keys: { ring }, clock: systemClock, lifeMs: 60_000 }),
    events,
    clock,
    windows: new Windows([{ name: 'decay', shared: true }], window),
    workers: [{ name: 'decay', shared: true }],
    costs: new CostBook(() => 1),
    waitMs: 60_000,
    partitions: 1,
    onIdle: () => undefined,
  });
  try {
    await use({ dispatcher, lease, events });
  } finally {
    await dispatcher.settled();
    await producer.close();
    redis.disconnect();
  }
}

/** Waits until what the dispatcher was told to do has been done. */
async function dispatched(dispatcher: Dispatcher): Promise<void> {
  await dispatcher.look();
  await dispatcher.settled();
}

describe('a dispatcher', () => {
  it('keeps the runs of a tenant and worker in one ticket, and no more of a queue than its window holds', async () => {
    await owe(3);
    await withDispatcher({ window: 4 }, async ({ dispatcher, lease }) => {
      expect(await lease.renew()).toBe(true);
      await dispatched(dispatcher);
      expect(await inState('queued')).toBe(4);
    });
    await withDispatcher({}, async ({ dispatcher, lease }) => {
      await database().admin("update public.leases set expires_at = '-infinity'");
      expect(await lease.renew()).toBe(true);
      await dispatched(dispatcher);
      // Those with runs in flight wait for them to leave: their next runs could only go into another ticket.
      expect(await inState('queued')).toBe(4 + 3 * 6);
      expect(await inState('owed')).toBe(2 * 4);
      const tickets = await ticketsOf(redisUrl());
      const homes = new Map<string, number>();
      for (const [number, ticket] of tickets.entries()) {
        for (const tenant of new Set(ticket)) expect(homes.get(tenant) ?? number).toBe(number);
        for (const tenant of ticket) homes.set(tenant, number);
      }
      expect(homes.size).toBe(10);
    });
  });

  it('whose time has stood still since it took the lease admits nothing under its old epoch', async () => {
    const frozenAt = systemClock.monotonicMs();
    const still: Clock = { now: () => new Date(), monotonicMs: () => frozenAt };
    await withDispatcher({ clock: still }, async ({ dispatcher, lease }) => {
      expect(await lease.renew()).toBe(true);
      await database().admin("update public.leases set expires_at = '-infinity'");
      await withDispatcher({}, async (successor) => {
        expect(await successor.lease.renew()).toBe(true);
        expect(successor.lease.epoch).toBe(lease.epoch + 1);
        await owe(1);
        expect(lease.held, 'it still believes that it holds the lease').toBe(true);
        await dispatched(dispatcher);
        expect(await inState('owed'), 'nothing was admitted').toBe(10);
        expect(lease.held, 'it was told that it does not').toBe(false);
        await dispatched(successor.dispatcher);
        expect(await inState('queued')).toBe(10);
      });
    });
  });

  it('says so when it cannot admit', async () => {
    await owe(1);
    await withDispatcher({}, async ({ dispatcher, lease, events }) => {
      await lease.renew();
      const failed: string[] = [];
      events.on('loop.failed', ({ loop, message }) => failed.push(`${loop}: ${message}`));
      await database().admin('revoke update (state) on public.runs from rae_scheduler');
      await dispatcher.look();
      await eventually(() => (failed.length > 0 ? true : undefined), { what: 'the failure to be told' });
      expect(failed[0]).toMatch(/^admit: permission denied/);
    });
  });
});
