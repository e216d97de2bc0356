import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dedicatedQueue, hashTagged, sharedQueue } from '../../queues/names.ts';
import { partitionOf } from '../../queues/partition.ts';
import type { Keyring } from '../../src/kernel/keyring.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, quiet, runsOf } from '../support/ledger.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { enrolledAll, expectEachOnce, type MixedTenant, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';
import { fleetKeys, ticketOf, ticketRun } from '../support/tickets.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses('all');
const random = seeded('foreign tickets');
const PARTITION = sharedQueue('decay', 0);
let redis: Redis;
let worker: TestProcess;
/** Somebody who knows the keys too: what is refused here is refused for another reason than its signature. */
let keys: Keyring;
let tenants: readonly MixedTenant[];
/** A tenant of a queue of its own, and its next to last run, which is done. */
let enterprise: MixedTenant;
let used = 0;

beforeAll(async () => {
  redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
  const fleet = new TestFleet({ database: database(), redisUrl: redisUrl() });
  worker = fleet.worker();
  await ready(fleet.scheduler(), worker);
  keys = await fleetKeys(database());
  tenants = await mixedTenants(database(), random, [40, 20, 10]);
  enterprise = tenants[0] as MixedTenant;
  await database().admin("update public.tenants set plan = 'enterprise' where tenant_id = $1", [enterprise.id]);
  await enrolledAll(database(), tenants);
  await cycle();
});

afterAll(() => redis.disconnect());

/** One more day for all tenants: proves that the worker still works. */
async function cycle(): Promise<void> {
  const day = TEN_DAYS[used] as Date;
  used += 1;
  await commandCycle(database(), day);
  await quiet(database());
}

/** Puts anything into a queue, as someone with access to Redis could. */
async function smuggle(queue: string, data: unknown): Promise<void> {
  const sender = new Queue(hashTagged(queue), { connection: redis, skipVersionCheck: true });
  await sender.add('ticket', data, { jobId: `smuggled-${randomUUID()}` });
  await sender.close();
}

/** Puts a ticket there with this text for its data or its options, whatever that is. */
async function smuggleText(queue: string, text: string, field: 'data' | 'opts' = 'data'): Promise<void> {
  const sender = new Queue(hashTagged(queue), { connection: redis, skipVersionCheck: true });
  const smuggled = await sender.add('ticket', {}, { jobId: `smuggled-${randomUUID()}`, delay: 100 });
  await redis.hset(`bull:${hashTagged(queue)}:${smuggled.id}`, field, text);
  await sender.close();
}

const refusals = (reason: string) =>
  worker.logs.filter((entry) => entry.event === 'ticket.refused' && entry.reason === reason);

async function refused(reason: string, before: number, more = 1): Promise<void> {
  await eventually(() => (refusals(reason).length >= before + more ? true : undefined), {
    what: `${more} times ${reason}`,
  });
}

async function metric(): Promise<string> {
  const { port } = await worker.event('port.opened');
  return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

async function ledger(): Promise<unknown> {
  return await database().admin('select * from public.runs order by tenant_id, slot');
}

const run = ticketRun;
const ticket = (queue: string, ...tenants: readonly string[]) =>
  ticketOf(
    keys,
    queue,
    tenants.map((tenant) => run(tenant)),
  );

describe('what somebody else puts into the queues', () => {
  it('is refused as malformed when it is not of a ticket’s form, and counted', async () => {
    const tenant = tenants[1]?.id ?? '';
    const good = ticket(PARTITION, tenant);
    const malformed: readonly unknown[] = [
      null,
      'a text',
      42,
      [],
      {},
      { ...good, v: '2' },
      { ...good, extra: true },
      { ...good, runs: [] },
      { ...good, runs: Array.from({ length: 257 }, () => run(tenant)) },
      { ...good, runs: [{ ...run(tenant), attempt: -1 }] },
      { ...good, runs: [{ ...run(tenant), attempt: 1.5 }] },
      { ...good, runs: [{ ...run(tenant), attempt: '0' }] },
      { ...good, runs: [{ ...run(tenant), attempt: 2 ** 53 + 2 }] },
      { ...good, runs: [run('00000000-0000-0000-0000-000000000000')] },
      { ...good, runs: [run(tenant.toUpperCase())] },
      { ...good, runs: [run(`${tenant}\n`)] },
      { ...good, runs: [run("'; drop table public.runs; --")] },
      JSON.parse(`{"__proto__": {"v": 2}, "v": 2, "queue": "${PARTITION}", "runs": []}`),
      JSON.parse('{"constructor": {"prototype": {"polluted": true}}}'),
    ];
    const before = await ledger();
    for (const data of malformed) await smuggle(PARTITION, data);
    await smuggleText(PARTITION, `${'['.repeat(30_000)}${']'.repeat(30_000)}`);
    await smuggleText(PARTITION, '{"v": 2, "v": 2, "queue": 1e999, "__proto__": null}');
    const count = malformed.length + 2;
    await refused('malformed', 0, count);
    expect(await metric()).toContain(`rae_envelopes_refused_total{reason="malformed"} ${count}`);
    await smuggle(PARTITION, { ...good, queue: 'x'.repeat(5_000_000) });
    await refused('oversized', 0);
    for (const v of [1, 3]) await smuggle(PARTITION, { ...good, v });
    await refused('version', 0, 2);
    expect(await ledger()).toEqual(before);
    await cycle();
  });

  it('is refused when it was made for another queue, or carries another tenant than a queue is dedicated to', async () => {
    const [, shared] = tenants as [MixedTenant, MixedTenant];
    const own = dedicatedQueue('decay', enterprise.id);
    const other = sharedQueue('decay', 1 - partitionOf(shared.id, 2));
    const before = await ledger();
    await smuggle(PARTITION, ticket(sharedQueue('decay', 7), shared.id));
    await smuggle(other, ticket(sharedQueue('decay', partitionOf(shared.id, 2)), shared.id));
    await smuggle(PARTITION, ticket(sharedQueue('another', 0), shared.id));
    await refused('wrong_queue', 0, 3);
    await smuggle(own, ticket(own, shared.id));
    await smuggle(own, ticket(own, enterprise.id, shared.id));
    await refused('foreign_tenant', 0, 2);
    expect(await ledger()).toEqual(before);
    await cycle();
  });

  it('changes nothing when it is a true ticket once more, or names a run that another tenant has', async () => {
    const [, one, another] = tenants as [MixedTenant, MixedTenant, MixedTenant];
    const [done] = await runsOf(database(), one.id);
    const before = await ledger();
    const lost = () => worker.logs.filter(({ event }) => event === 'fence.lost').length;
    const lostBefore = lost();
    const queue = sharedQueue('decay', partitionOf(one.id, 2));
    for (const attempt of [0, 1, 2, 7]) {
      for (const tenant of [one.id, another.id]) {
        await smuggle(queue, ticketOf(keys, queue, [run(tenant, { run: done?.run_id ?? '', attempt })]));
      }
    }
    await eventually(() => (lost() >= lostBefore + 8 ? true : undefined), { what: 'eight fences to be lost' });
    expect(await ledger()).toEqual(before);
    await cycle();
  });

  it('does not end the worker when it cannot even be read', async () => {
    for (const text of ['{"v": 2, "queue"', '', 'undefined', '\u0000\u0001', '{"__proto__":'])
      await smuggleText(PARTITION, text);
    const left = async () => {
      const keys = await redis.keys(`bull:${hashTagged(PARTITION)}:smuggled-*`);
      return keys.length === 0 ? true : undefined;
    };
    await eventually(left, { what: 'the unreadable tickets to be gone', withinMs: 30_000 });
    await cycle();
    expect(worker.exit).toBeUndefined();
    await expectEachOnce(database(), tenants, TEN_DAYS.slice(0, used));
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
});
