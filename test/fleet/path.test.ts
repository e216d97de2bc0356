import { beforeAll, describe, expect, it } from 'vitest';
import { latestSlot, nextSlot } from '../../src/kernel/cron.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, enrolled, makeDue, quiet, runsOf } from '../support/ledger.ts';
import { readMemories } from '../support/memories.ts';
import { type MixedMemory, mixOfMemories, storeMix } from '../support/memory-mix.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant, type TenantOptions } from '../support/tenants.ts';
import { wronglyDecayed } from '../support/wrongly-decayed.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses('all');
const random = seeded('path');

const utc = (cron: string) => ({ cron, timeZone: 'UTC' });
/** The last slot that has come of a schedule. */
function lastOf(schedule: { cron: string; timeZone: string }): Date {
  const slot = latestSlot(schedule, new Date());
  if (slot === undefined) throw new Error(`${schedule.cron} has no slot`);
  return slot;
}

/** A tenant with a policy of its own, written past the policy book, and with memories around `at`. */
async function tenantWith(
  policy: Record<string, unknown> | undefined,
  at: Date,
  count = 30,
  options: TenantOptions = {},
): Promise<{ readonly id: string; readonly memories: readonly MixedMemory[] }> {
  const id = await addTenant(database(), options);
  if (policy !== undefined) await setPolicy(id, policy);
  const memories = mixOfMemories(random, count, at);
  if (count > 0) await storeMix(database(), id, memories);
  return { id, memories };
}

async function setPolicy(tenantId: string, policy: Record<string, unknown>): Promise<void> {
  await database().admin(
    `insert into public.policies (tenant_id, worker, document) values ($1, 'decay', $2)
     on conflict (tenant_id, worker) do update set document = excluded.document, version = public.policies.version + 1`,
    [tenantId, JSON.stringify(policy)],
  );
}

beforeAll(async () => {
  const fleet = new TestFleet({ database: database(), redisUrl: redisUrl() });
  await ready(fleet.scheduler(), fleet.worker());
});

describe('a slot that falls due', () => {
  it('is done for every tenant, skipped with the reason for those that are off, and counted in its cycle', async () => {
    const slot = lastOf(utc('0 2 * * *'));
    const tenants = [await tenantWith(undefined, slot), await tenantWith(undefined, slot, 12, { plan: 'pro' })];
    const suspended = await tenantWith(undefined, slot, 5, { status: 'suspended' });
    const deleted = await tenantWith(undefined, slot, 5, { status: 'deleted' });
    const disabled = await tenantWith({ enabled: false }, slot, 5);
    const off = [suspended, deleted];
    await enrolled(
      database(),
      [...tenants, ...off].map(({ id }) => id),
    );
    // A scheduler may have found the disabled one before its policy: it must have heard of that as well.
    const heard = async () => {
      const hints = await database().admin('select 1 from public.due_hints where tenant_id = $1', [disabled.id]);
      return hints.length === 0 ? true : undefined;
    };
    await eventually(heard, { what: 'the scheduler to have heard of the policy' });
    expect(await makeDue(database(), '0 2 * * *', slot)).toBe(1);
    const [cycle] = await eventually(
      async () => {
        const rows = await database().admin<Record<string, unknown>>(
          "select * from public.cycles where worker = 'decay' and slot = $1 and finished_at is not null",
          [slot],
        );
        return rows.length === 0 ? undefined : rows;
      },
      { what: 'the cycle to be finished', withinMs: 30_000 },
    );
    expect(cycle).toMatchObject({ total: 4, done: 2, dead: 0, skipped: { tenant_suspended: 1, tenant_deleted: 1 } });
    expect(cycle?.changed).toMatchObject({ dates: 2, decayed: expect.any(Number) });
    for (const tenant of tenants) {
      expect(await runsOf(database(), tenant.id)).toMatchObject([{ slot, state: 'done', attempt: 1, failures: 0 }]);
      expect(await wronglyDecayed(database(), tenant, [slot])).toEqual([]);
    }
    for (const [tenant, reason] of [
      [suspended, 'tenant_suspended'],
      [deleted, 'tenant_deleted'],
    ] as const) {
      expect(await runsOf(database(), tenant.id)).toMatchObject([{ slot, state: 'skipped', reason, attempt: 0 }]);
      expect(await wronglyDecayed(database(), tenant, [])).toEqual([]);
    }
    expect(await runsOf(database(), disabled.id)).toEqual([]);
  });

  it('waits for the time of day in the zone of the tenant', async () => {
    const tokyo = { cron: '30 1 * * *', timeZone: 'Asia/Tokyo' };
    const slot = lastOf(tokyo);
    const tenant = await tenantWith({ cron: tokyo.cron, time_zone: tokyo.timeZone }, slot);
    await enrolled(database(), [tenant.id]);
    const [cadence] = await database().admin<{ next_at: Date; time_zone: string }>(
      'select next_at, time_zone from public.cadences where cron = $1',
      [tokyo.cron],
    );
    expect(cadence).toEqual({ next_at: nextSlot(tokyo, slot), time_zone: tokyo.timeZone });
    expect(slot.toISOString()).toMatch(/T16:30:00/);
    await makeDue(database(), tokyo.cron, slot);
    await eventually(async () => ((await runsOf(database(), tenant.id))[0]?.state === 'done' ? true : undefined), {
      what: 'its run to be done',
    });
    expect(await runsOf(database(), tenant.id)).toMatchObject([{ slot, state: 'done' }]);
    expect(await wronglyDecayed(database(), tenant, [slot], { time_zone: tokyo.timeZone })).toEqual([]);
  });
});

describe('a stored policy that its worker cannot read', () => {
  it('makes the run of that tenant dead, says why, leaves all others alone, and is mended by a retry', async () => {
    const cron = '23 4 * * *';
    const slot = lastOf(utc(cron));
    const broken = await tenantWith({ cron, rate: 7 }, slot);
    const sound = await tenantWith({ cron, rate: 0.2 }, slot);
    await enrolled(database(), [broken.id, sound.id]);
    await makeDue(database(), cron, slot);
    const ended = async (id: string, state: string) =>
      await eventually(async () => (await runsOf(database(), id)).find((run) => run.state === state), {
        what: `the run of ${id} to be ${state}`,
      });
    const dead = await ended(broken.id, 'dead');
    expect(dead).toMatchObject({ slot, reason: 'policy_invalid', counts: null });
    expect(dead.error).toMatch(/rate/);
    expect(await wronglyDecayed(database(), broken, [])).toEqual([]);
    await ended(sound.id, 'done');
    expect(await wronglyDecayed(database(), sound, [slot], { rate: 0.2 })).toEqual([]);

    await setPolicy(broken.id, { cron, rate: 0.7 });
    await database().admin(
      "update public.runs set state = 'owed', available_at = now(), finished_at = null where run_id = $1 and state = 'dead'",
      [dead.run_id],
    );
    expect(await ended(broken.id, 'done')).toMatchObject({ run_id: dead.run_id, reason: null, error: null });
    expect(await wronglyDecayed(database(), broken, [slot], { rate: 0.7 })).toEqual([]);
  });

  it('with a schedule that cannot be read is found at the default schedule', async () => {
    const slot = lastOf(utc('0 2 * * *'));
    const tenant = await tenantWith({ cron: 'every now and then' }, slot);
    await enrolled(database(), [tenant.id]);
    await commandCycle(database(), slot, tenant.id);
    const run = await eventually(
      async () => (await runsOf(database(), tenant.id)).find(({ state }) => state === 'dead'),
      {
        what: 'its run to be dead',
      },
    );
    expect(run.reason).toBe('policy_invalid');
    expect(run.error).toMatch(/cron/);
  });
});

describe('a tenant with nothing to do', () => {
  it('runs once, is passed over from then on, and is due again when a memory arrives', async () => {
    const [first, second] = [new Date('2026-05-01T02:00:00Z'), new Date('2026-05-02T02:00:00Z')];
    const tenant = await tenantWith(undefined, first, 0);
    await enrolled(database(), [tenant.id]);
    expect(await commandCycle(database(), first, tenant.id)).toMatchObject({ planned: { total: 1, owed: 1 } });
    await quiet(database());
    expect(await runsOf(database(), tenant.id)).toMatchObject([{ slot: first, state: 'done' }]);
    expect(await commandCycle(database(), second, tenant.id)).toMatchObject({ planned: { total: 0 } });
    const memories = mixOfMemories(random, 3, first);
    await storeMix(database(), tenant.id, memories);
    await quiet(database());
    expect(await commandCycle(database(), second, tenant.id)).toMatchObject({ planned: { total: 1, owed: 1 } });
    await quiet(database());
    expect(await runsOf(database(), tenant.id)).toMatchObject([
      { slot: first, state: 'done' },
      { slot: second, state: 'done' },
    ]);
    expect(await wronglyDecayed(database(), { ...tenant, memories }, [second])).toEqual([]);
  });
});

describe('a fleet that was away for days', () => {
  it('catches up with one run that covers the older slots and applies every date once', async () => {
    const cron = '41 5 * * *';
    const newest = lastOf(utc(cron));
    const slots = Array.from({ length: 9 }, (_none, back) => new Date(newest.getTime() - (8 - back) * 86_400_000));
    const first = slots[0] as Date;
    const tenant = await tenantWith({ cron }, first, 200);
    await enrolled(database(), [tenant.id]);
    await makeDue(database(), cron, first);
    await eventually(async () => (await runsOf(database(), tenant.id)).find(({ state }) => state === 'done'), {
      what: 'the newest run to be done',
    });
    const runs = await runsOf(database(), tenant.id);
    expect(runs.map(({ slot }) => slot)).toEqual(slots);
    for (const run of runs.slice(0, -1)) {
      expect(run).toMatchObject({ state: 'skipped', reason: 'covered', covered_by: newest, attempt: 0 });
    }
    expect(runs.at(-1)).toMatchObject({ state: 'done', covers_from: first, counts: { dates: 9 } });
    expect(await wronglyDecayed(database(), tenant, slots)).toEqual([]);
  });

  it('decays memories that were inserted meanwhile only from the date they were stored', async () => {
    const cron = '43 5 * * *';
    const newest = lastOf(utc(cron));
    const slots = [2, 1, 0].map((back) => new Date(newest.getTime() - back * 86_400_000));
    const tenant = await tenantWith({ cron }, newest, 1);
    const [late] = mixOfMemories(random, 1, newest);
    const memory = { ...(late as MixedMemory), importance: 0.8, created_at: newest, last_accessed_at: null };
    await storeMix(database(), tenant.id, [memory]);
    await enrolled(database(), [tenant.id]);
    await makeDue(database(), cron, slots[0] as Date);
    await eventually(async () => (await runsOf(database(), tenant.id)).find(({ state }) => state === 'done'), {
      what: 'the newest run to be done',
    });
    const memories = await readMemories(database(), tenant.id);
    expect(memories.get(memory.id)?.importance).toBeCloseTo(0.8 * 0.995, 12);
  });
});

describe('a policy that is switched off', () => {
  it('skips the run that is owed already, with that reason', async () => {
    const slot = new Date('2026-04-03T02:00:00Z');
    const tenant = await tenantWith(undefined, slot, 5);
    await enrolled(database(), [tenant.id]);
    // The scheduler may admit it at once: the tenant is switched off in the same transaction that makes the run.
    await database().admin(
      `with off as (insert into public.policies (tenant_id, worker, document) values ($1, 'decay', '{"enabled": false}'))
       insert into public.runs (tenant_id, worker, slot) values ($1, 'decay', $2)`,
      [tenant.id, slot],
    );
    await quiet(database());
    expect(await runsOf(database(), tenant.id)).toMatchObject([{ slot, state: 'skipped', reason: 'disabled' }]);
    expect(await wronglyDecayed(database(), tenant, [])).toEqual([]);
  });
});
