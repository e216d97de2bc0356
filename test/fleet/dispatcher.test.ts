import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Dispatcher } from '../../src/dispatch/dispatcher.ts';
import type { FlyingRun } from '../../src/dispatch/flight.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { redisConnection } from '../../src/redis/connection.ts';
import { useDatabase } from '../support/database.ts';
import {
  type DispatchScene,
  type DispatchSceneOptions,
  dispatched,
  withDispatcher as sceneWith,
} from '../support/dispatching.ts';
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
  await database().admin(
    'delete from public.runs; delete from public.leases; delete from public.flights; delete from public.holds; delete from public.queue_holds; delete from public.arrivals',
  );
  await database().admin('update public.tenants set run_cap = null, weight = null, placement = null');
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

async function emptied(url: string): Promise<void> {
  const redis = redisConnection(url, 'producer');
  await redis.connect();
  await redis.flushall();
  redis.disconnect();
}

const withDispatcher = (
  options: Omit<DispatchSceneOptions, 'database' | 'redisUrl'>,
  use: (scene: DispatchScene) => Promise<void>,
) => sceneWith({ ...options, database: database(), redisUrl: redisUrl() }, use);

/** What each tenant has in a state, in the order of `tenants`. */
async function perTenant(state: string): Promise<readonly number[]> {
  const rows = await database().admin<{ tenant_id: string; n: number }>(
    'select tenant_id, count(*)::int as n from public.runs where state = $1 group by 1',
    [state],
  );
  const counts = new Map(rows.map((row) => [row.tenant_id, row.n]));
  return tenants.map((tenantId) => counts.get(tenantId) ?? 0);
}

/** Ends an admitted run in the ledger, as its worker would. */
async function end(dispatcher: Dispatcher, run: FlyingRun, ms = 1): Promise<void> {
  await database().admin(
    "update public.runs set state = 'done', attempt = attempt + 1, finished_at = now(), lease_until = null where run_id = $1",
    [run.runId],
  );
  dispatcher.completed({ tenant: run.tenantId, run: run.runId, worker: run.worker, attempt: run.attempt, ms });
}

describe('a dispatcher', () => {
  it('keeps the runs of a tenant and worker in one ticket, and no more of a queue than its window holds', async () => {
    await owe(3);
    await withDispatcher({ window: 4 }, async ({ dispatcher, lease }) => {
      expect(await lease.renew()).toBe(true);
      await dispatched(dispatcher);
      expect(await inState('queued')).toBe(4);
    });
    await emptied(redisUrl());
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

  it('admits in exact order: no tenant is ever two runs ahead of another', async () => {
    await owe(6);
    await withDispatcher({ slots: 7, shared: false, silent: true }, async ({ dispatcher, lease }) => {
      await database().admin('update public.tenants set run_cap = 100');
      await lease.renew();
      await dispatched(dispatcher);
      for (let ended = 0; ended < 60; ended += 1) {
        const owed = await perTenant('owed');
        expect(Math.max(...owed) - Math.min(...owed)).toBeLessThanOrEqual(1);
        const [oldest] = dispatcher.picture.flight.runs;
        if (oldest === undefined) throw new Error('nothing is in flight');
        await end(dispatcher, oldest);
        await dispatcher.settled();
      }
      expect(await inState('done')).toBe(60);
    });
  });

  it('admits within each tenant’s cap, and beyond it only what is marked as lent', async () => {
    await owe(6);
    await database().admin('update public.tenants set run_cap = 2');
    await withDispatcher({ slots: 24, shared: false, silent: true }, async ({ dispatcher, lease }) => {
      await lease.renew();
      await dispatched(dispatcher);
      const [counts] = await database().admin<{ own: number; lent: number; most: number }>(
        `select count(*) filter (where not lent)::int as own, count(*) filter (where lent)::int as lent,
                (select max(n)::int from (select count(*) as n from public.runs where state = 'queued' and not lent group by tenant_id) m) as most
           from public.runs where state = 'queued'`,
      );
      // 24 places: 20 for ten caps of 2; of the other four none, as nothing was measured and they are the reserve.
      expect(counts).toEqual({ own: 20, lent: 0, most: 2 });
    });
  });

  it('lends what nobody within its cap can use, and takes it back when the run ends', async () => {
    await owe(6);
    await database().admin('update public.tenants set run_cap = 1');
    await withDispatcher({ slots: 40, shared: false, silent: true }, async ({ dispatcher, lease, costs }) => {
      for (const tenant of tenants) costs.measured(tenant, 'decay', 5);
      await lease.renew();
      await dispatched(dispatcher);
      expect(await perTenant('queued')).toEqual(tenants.map(() => 4));
      const [own] = await database().admin<{ n: number }>(
        "select count(*)::int as n from public.runs where state = 'queued' and not lent",
      );
      expect(own?.n).toBe(10);
    });
  });

  it('that takes over knows what its predecessor admitted, and exceeds no cap with it', async () => {
    await owe(6);
    await database().admin('update public.tenants set run_cap = 2');
    await withDispatcher({ slots: 20, shared: false, silent: true }, async ({ dispatcher, lease }) => {
      await lease.renew();
      await dispatched(dispatcher);
      expect(await inState('queued')).toBe(20);
    });
    await withDispatcher({ slots: 20, shared: false, silent: true }, async ({ dispatcher, lease }) => {
      await database().admin("update public.leases set expires_at = '-infinity'");
      await lease.renew();
      await dispatched(dispatcher);
      expect(await perTenant('queued')).toEqual(tenants.map(() => 2));
      for (const run of dispatcher.picture.flight.runs.slice(0, 5)) await end(dispatcher, run);
      // After a batch the dispatcher rests a moment: what follows need not have begun when the last one has settled.
      const isFull = async () => ((await inState('queued')) === 20 ? true : undefined);
      await eventually(isFull, { what: 'the places that came free to be taken' });
      expect(await perTenant('queued')).toEqual(tenants.map(() => 2));
      expect(dispatcher.picture.flight.size).toBe(20);
    });
  });

  it('finds out what has left without being heard of, and what was admitted without its knowledge', async () => {
    await owe(2);
    await withDispatcher({ slots: 10, shared: false, silent: true }, async ({ dispatcher, lease }) => {
      await database().admin('update public.tenants set run_cap = 1');
      await lease.renew();
      await dispatched(dispatcher);
      expect(await perTenant('queued')).toEqual(tenants.map(() => 1));
      await database().admin(
        "update public.runs set state = 'done', attempt = 1, finished_at = now(), lease_until = null where state = 'queued'",
      );
      await eventually(
        async () => {
          await lease.renew();
          await dispatcher.reconcile();
          await dispatcher.settled();
          return (await inState('queued')) === 10 ? true : undefined;
        },
        { what: 'the next runs to be admitted', withinMs: 10_000 },
      );
      dispatcher.picture.clear();
      await eventually(
        async () => {
          await dispatcher.reconcile();
          return dispatcher.picture.flight.size === 10 ? true : undefined;
        },
        { what: 'the admitted runs to be known again', withinMs: 10_000 },
      );
    });
  });

  it('takes back what is queued for a place that its tenant has left, and queues it for the new one', async () => {
    await owe(1);
    await withDispatcher({}, async ({ dispatcher, lease }) => {
      await lease.renew();
      await dispatched(dispatcher);
      const [moved = ''] = tenants;
      await database().admin(
        "update public.tenants set placement = 'dedicated', placement_epoch = placement_epoch + 1 where tenant_id = $1",
        [moved],
      );
      expect(await dispatcher.lookForArrivals()).toBe(true);
      await dispatcher.settled();
      const [run] = await database().admin<{ state: string; attempt: number; epoch: number; now: number }>(
        `select r.state, r.attempt, r.epoch, t.placement_epoch as now
           from public.runs r join public.tenants t on t.tenant_id = r.tenant_id where r.tenant_id = $1`,
        [moved],
      );
      expect(run).toEqual({ state: 'queued', attempt: 1, epoch: run?.now, now: run?.now });
      expect(dispatcher.picture.flight.queues).toContain(`rae.decay.t-${moved}`);
    });
  });

  it('records why what is owed is held, and forgets it when that is over', async () => {
    await owe(2);
    await database().admin('update public.tenants set run_cap = 1');
    await withDispatcher({ slots: 10, shared: false, silent: true }, async ({ dispatcher, lease, holds }) => {
      await lease.renew();
      await holds.begin();
      await dispatched(dispatcher);
      const held = async () => {
        await holds.record();
        return database().admin<{ reason: string | null; runs: number }>(
          'select reason, sum(runs)::int as runs from public.owed_work group by 1 order by 1',
        );
      };
      await eventually(async () => ((await held())[0]?.reason === 'cap' ? true : undefined), {
        what: 'the cap to be recorded',
        withinMs: 10_000,
      });
      expect(await held()).toEqual([{ reason: 'cap', runs: 10 }]);
      const [tenant = ''] = tenants;
      const [hold] = await database().admin('select value, bound from public.holds where tenant_id = $1', [tenant]);
      expect(hold).toEqual({ value: 1, bound: 1 });
      for (let round = 0; round < 2; round += 1) {
        for (const run of dispatcher.picture.flight.runs) await end(dispatcher, run);
        await dispatcher.settled();
      }
      await eventually(
        async () => {
          await holds.record();
          const [row] = await database().admin<{ n: number }>('select count(*)::int as n from public.holds');
          return row?.n === 0 ? true : undefined;
        },
        { what: 'the holds to be gone', withinMs: 10_000 },
      );
    });
  });

  it('says so when it cannot admit', async () => {
    await owe(1);
    await withDispatcher({}, async ({ dispatcher, lease, events }) => {
      await lease.renew();
      const failed: string[] = [];
      events.on('loop.failed', ({ loop, message }) => failed.push(`${loop}: ${message}`));
      await database().admin('revoke update (queued_at) on public.runs from rae_scheduler');
      await dispatcher.takeOver();
      await eventually(() => (failed.length > 0 ? true : undefined), { what: 'the failure to be told' });
      expect(failed[0]).toMatch(/^admit: permission denied/);
      await database().admin('grant update (queued_at) on public.runs to rae_scheduler');
    });
  });
});
