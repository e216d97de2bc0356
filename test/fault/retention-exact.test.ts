import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedQueue } from '../../queues/names.ts';
import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import {
  type Estate,
  readCertificates,
  readRemains,
  storeEstate,
  wronglyEntered,
  wronglyHashed,
} from '../support/estate.ts';
import { someEstate, somePolicy } from '../support/estates.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, enrolled, quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, type RunMidway, runsMidway } from '../support/lingering.ts';
import { NamedWorkers } from '../support/named-workers.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { type RetentionRules, retained } from '../support/retention-reference.ts';
import { addTenant } from '../support/tenants.ts';
import { entriesOf, putByHand, queueKey } from '../support/tickets.ts';

const database = useDatabase();
useProcesses();
const random = seeded('retention exact');
const SLOT = new Date('2026-06-15T01:00:00Z');
const QUEUES = [sharedQueue('retention-purge', 0), sharedQueue('retention-purge', 1)];
const KILLS = 8;
const FLUSHES = 2;
const DUPLICATES = 10;
const AT_ONCE = 40;
let retention: CataloguedWorker;

interface Owned {
  readonly tenantId: string;
  readonly estate: Estate;
  readonly policy: RetentionRules;
}

beforeAll(async () => {
  retention = (await loadCatalogue()).get('retention-purge');
});

/** New tenants with estates and policies of their own; every fifth is suspended, and is served all the same. */
async function moreTenants(): Promise<readonly Owned[]> {
  const made: Owned[] = [];
  const sample = fc.sample(fc.tuple(someEstate(SLOT), somePolicy), { numRuns: AT_ONCE, seed: random.below(2 ** 31) });
  for (const [at, [estate, policy]] of sample.entries()) {
    const tenantId = await addTenant(database(), { status: at % 5 === 4 ? 'suspended' : 'active' });
    await storeEstate(database(), tenantId, estate);
    await database().admin(
      `insert into public.policies (tenant_id, worker, document, effective, checked)
       values ($1, 'retention-purge', $2, $3, $4 || md5($2::jsonb::text))`,
      [
        tenantId,
        JSON.stringify(policy),
        JSON.stringify({ ...retention.defaultPolicy, ...policy }),
        retention.fingerprint,
      ],
    );
    made.push({ tenantId, estate, policy });
  }
  const ids = made.map(({ tenantId }) => tenantId);
  await enrolled(database(), ids, 'retention-purge');
  for (const tenantId of ids) await commandCycle(database(), SLOT, tenantId, 'retention-purge');
  return made;
}

/** Puts every ticket that waits or is worked on into its queue once more. @returns how many. */
async function duplicate(redis: OwnRedis): Promise<number> {
  return await redis.ask(async (client) => {
    let put = 0;
    for (const queue of QUEUES) {
      const lists = ['wait', 'active'].map((name) => client.lrange(queueKey(queue, name) as string, 0, -1));
      const ids = (await Promise.all(lists)).flat();
      const tickets = await Promise.all(ids.map((id) => client.hgetall(queueKey(queue, id) as string)));
      const entries = tickets
        .filter(({ data }) => data !== undefined)
        .map((fields) => ({ queue, id: randomUUID(), fields }));
      if (entries.length > 0) await putByHand(client, entries);
      put += entries.length;
    }
    return put;
  });
}

describe('retention under faults', () => {
  it('leaves and certifies just what a row-by-row look says, though workers are killed in the middle, tickets come twice and Redis is emptied', async () => {
    const redis = new OwnRedis();
    await redis.start();
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redis.url,
      env: { RAE_SETTINGS: '{"retention-purge":{"step_rows":10}}', RAE_LOG_LEVEL: 'info', RAE_RETRY_BASE_MS: '50' },
    });
    await lingerIn(database(), 'delete on public.memories', 60);
    const workers = new NamedWorkers(fleet, database(), 'retention-purge');
    const scheduler = fleet.scheduler();
    await ready(scheduler, workers.start(), workers.start());

    const owned: Owned[] = [];
    const chosen: string[] = [];
    let duplicates = 0;
    let flushes = 0;
    const midway = async (): Promise<RunMidway | undefined> => {
      const found = (await runsMidway(database())).filter(
        (run) => workers.get(run.session) !== undefined && run.lapses < 3 && !chosen.includes(run.run_id),
      );
      if (found.length > 0) return random.pick(found);
      const [busy] = await database().admin(
        "select from public.runs where state in ('owed', 'queued', 'running') and worker = 'retention-purge'",
      );
      if (busy === undefined) owned.push(...(await moreTenants()));
      return undefined;
    };
    // A kill counts when the ledger had to take back the very run that it was meant for.
    const bites = async () =>
      (await database().admin('select from public.runs where run_id = any($1) and lapses > 0', [chosen])).length;
    while ((await bites()) < KILLS || duplicates < DUPLICATES || flushes < FLUSHES) {
      const run = await eventually(midway, { what: 'a worker to be in the middle of a run', withinMs: 90_000 });
      const victim = workers.get(run.session) as TestProcess;
      victim.kill('SIGKILL');
      chosen.push(run.run_id);
      duplicates += await duplicate(redis);
      if (chosen.length % 3 === 2 && flushes < FLUSHES) {
        await redis.ask((client) => client.flushall());
        flushes += 1;
      }
      workers.forget(run.session);
      workers.start();
    }
    await endLingering(database());
    await quiet(database(), 120_000, 'retention-purge');

    for (const { tenantId, estate, policy } of owned) {
      const expected = retained(estate, policy, SLOT);
      expect(await readRemains(database(), tenantId)).toEqual(expected.remains);
      expect(await readCertificates(database(), tenantId, SLOT)).toEqual(expected.certificates);
      expect(await wronglyHashed(database(), tenantId)).toEqual([]);
      expect(await wronglyEntered(database(), tenantId)).toEqual([]);
    }
    const [ledger] = await database().admin<{ runs: number; done: number; failures: number }>(
      "select count(*)::int as runs, count(*) filter (where state = 'done')::int as done, sum(failures)::int as failures from public.runs where worker = 'retention-purge'",
    );
    expect(ledger).toEqual({ runs: owned.length, done: owned.length, failures: 0 });
    expect(
      scheduler.logs.some(({ event }) => event === 'queue.rebuilt'),
      'Redis had lost tickets',
    ).toBe(true);
    await redis.ask(async (client) => {
      for (const queue of QUEUES) {
        const empty = async () => ((await entriesOf(client, queue)) === 0 ? true : undefined);
        await eventually(empty, { what: `the duplicates in ${queue} to be taken` });
      }
    });
    process.stdout.write(
      `${owned.length} tenants, ${chosen.length} kills, ${duplicates} tickets twice, ${flushes} times emptied\n`,
    );
  });
});
