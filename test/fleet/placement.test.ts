import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashTagged, sharedQueue } from '../../queues/names.ts';
import { PLACEMENTS, type Placement } from '../../src/tenant/tenant.ts';
import { announceAbsent } from '../support/absent-consumer.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, enrolled, quiet, runsOf } from '../support/ledger.ts';
import { type MixedMemory, mixOfMemories, storeMix } from '../support/memory-mix.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant, type TenantOptions } from '../support/tenants.ts';
import { wronglyDecayed } from '../support/wrongly-decayed.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const random = seeded('placement');
const slots = Array.from({ length: 20 }, (_none, day) => new Date(Date.UTC(2026, 2, 1 + day, 2)));
let fleet: TestFleet;

beforeAll(() => {
  fleet = new TestFleet({
    database: database(),
    redisUrl: redisUrl(),
    env: { RAE_SETTINGS: '{"decay":{"step_rows":10}}' },
  });
});

interface Tenant {
  readonly id: string;
  readonly memories: readonly MixedMemory[];
}

async function tenantWith(count: number, options: TenantOptions = {}): Promise<Tenant> {
  const id = await addTenant(database(), options);
  const memories = mixOfMemories(random, count, slots[10] as Date);
  await storeMix(database(), id, memories);
  return { id, memories };
}

async function place(tenantId: string, placement: Placement): Promise<void> {
  await database().admin(
    'update public.tenants set placement = $2, placement_epoch = placement_epoch + 1 where tenant_id = $1',
    [tenantId, placement],
  );
}

async function setPartitions(partitions: number): Promise<void> {
  await database().admin("update public.fleet_settings set value = to_jsonb($1::int) where name = 'partitions'", [
    partitions,
  ]);
}

/** What BullMQ keeps of the queues that hold or held tickets, by queue. */
async function queuesInRedis(): Promise<readonly string[]> {
  const redis = new Redis(redisUrl(), { lazyConnect: true });
  await redis.connect();
  try {
    const keys = await redis.keys('bull:*');
    return [...new Set(keys.map((key) => /\{(.*)\}/.exec(key)?.[1] ?? ''))].sort();
  } finally {
    redis.disconnect();
  }
}

async function ticketsIn(queue: string): Promise<number> {
  const redis = new Redis(redisUrl(), { lazyConnect: true });
  await redis.connect();
  try {
    return await redis.llen(`bull:${hashTagged(queue)}:wait`);
  } finally {
    redis.disconnect();
  }
}

/** Every slot of every tenant has exactly one run, done at its first attempt, and the memories are as they must be. */
async function expectDoneOnce(tenants: readonly Tenant[], due: readonly Date[]): Promise<void> {
  for (const tenant of tenants) {
    const runs = await runsOf(database(), tenant.id);
    expect(runs.map(({ slot, state, failures }) => ({ slot, state, failures }))).toEqual(
      [...due].sort((a, b) => a.getTime() - b.getTime()).map((slot) => ({ slot, state: 'done', failures: 0 })),
    );
    expect(await wronglyDecayed(database(), tenant, due)).toEqual([]);
  }
}

const attached = (worker: TestProcess) =>
  worker.logs.filter((entry) => entry.event === 'queue.attached').map((entry) => entry.queue);

describe('the work of an enterprise tenant', () => {
  it('waits in its own queue, which a worker finds without being told', async () => {
    const worker = fleet.worker();
    await ready(fleet.scheduler(), worker);
    const tenant = await tenantWith(30, { plan: 'enterprise' });
    await enrolled(database(), [tenant.id]);
    await commandCycle(database(), slots[0] as Date, tenant.id);
    await quiet(database());
    await expectDoneOnce([tenant], slots.slice(0, 1));
    expect(await queuesInRedis()).toContain(`rae.decay.t-${tenant.id}`);
    expect(attached(worker)).toContain(`rae.decay.t-${tenant.id}`);
  });
});

describe('a tenant that is moved', () => {
  it('between the shared queues, its own and quarantine while work is owed and queued loses nothing', async () => {
    await ready(fleet.scheduler());
    const tenant = await tenantWith(200, { plan: 'pro' });
    await enrolled(database(), [tenant.id]);
    const [first, last, ...others] = random.shuffled(slots);
    await announceAbsent(redisUrl(), 30_000);
    await commandCycle(database(), first as Date, tenant.id);
    const shared = async () => (await ticketsIn(sharedQueue('decay', 0))) + (await ticketsIn(sharedQueue('decay', 1)));
    await eventually(async () => ((await shared()) === 1 ? true : undefined), { what: 'its ticket in a shared queue' });
    await place(tenant.id, 'dedicated');
    const own = `rae.decay.t-${tenant.id}`;
    await eventually(async () => ((await ticketsIn(own)) === 1 ? true : undefined), {
      what: 'its ticket in its own queue',
    });
    expect(await shared(), 'the ticket of before the move is still there').toBe(1);
    fleet.worker();
    for (const [nth, slot] of others.entries()) {
      await commandCycle(database(), slot, tenant.id);
      await place(tenant.id, PLACEMENTS[nth % PLACEMENTS.length] ?? 'shared');
    }
    await place(tenant.id, 'quarantine');
    await commandCycle(database(), last as Date, tenant.id);
    await quiet(database());
    expect(await queuesInRedis()).toContain('rae.decay.p256');
    expect(await database().admin("select public.rae_queue('decay', $1, false) as queue", [tenant.id])).toEqual([
      { queue: 'rae.decay.p256' },
    ]);
    await expectDoneOnce([tenant], slots);
  });
});

describe('the number of shared partitions', () => {
  it('is followed by running processes up and down, and loses nothing that was queued under another number', async () => {
    const tenants: Tenant[] = [];
    for (let count = 0; count < 30; count += 1) tenants.push(await tenantWith(30));
    await ready(fleet.scheduler());
    await enrolled(
      database(),
      tenants.map(({ id }) => id),
    );
    const everywhere = async (slot: Date) => {
      for (const { id } of tenants) await commandCycle(database(), slot, id);
    };
    const [first, second, third] = slots as [Date, Date, Date];
    await announceAbsent(redisUrl(), 30_000);
    await everywhere(first);
    const queued = async () => {
      const runs = await database().admin("select from public.runs where state = 'queued'");
      const both = (await ticketsIn(sharedQueue('decay', 0))) > 0 && (await ticketsIn(sharedQueue('decay', 1))) > 0;
      return runs.length === 30 && both ? true : undefined;
    };
    await eventually(queued, { what: '30 runs in the tickets of two partitions' });
    await setPartitions(5);
    const worker = fleet.worker();
    await worker.event('queue.attached', { queue: sharedQueue('decay', 4) });
    await everywhere(second);
    await quiet(database());
    expect(await queuesInRedis()).toContain(sharedQueue('decay', 4));
    worker.kill('SIGKILL');
    await everywhere(third);
    const late = async () => (await ticketsIn(sharedQueue('decay', 3))) + (await ticketsIn(sharedQueue('decay', 4)));
    await eventually(async () => ((await late()) > 0 ? true : undefined), { what: 'tickets in the last partitions' });
    await setPartitions(1);
    fleet.worker();
    await quiet(database());
    await expectDoneOnce(tenants, [first, second, third]);
  });
});
