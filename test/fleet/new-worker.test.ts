import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { latestSlot } from '../../src/kernel/cron.ts';
import type { PolicyBook } from '../../src/tenant/policy-book.ts';
import { useCheckoutCopy } from '../support/checkout-copy.ts';
import { useDatabase } from '../support/database.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { LABELLING } from '../support/labelling-worker.ts';
import { enrolled, makeDue, quiet, runsOf } from '../support/ledger.ts';
import { mixOfMemories, storeMix } from '../support/memory-mix.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { readmeWorker } from '../support/readme-worker.ts';
import { useRedis } from '../support/redis.ts';
import { TALLY } from '../support/tally-worker.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses('all');
const copy = useCheckoutCopy({ tally: TALLY, labelling: LABELLING, label: readmeWorker('label') });
const random = seeded('new worker');
const DAY_MS = 86_400_000;
let scheduler: TestProcess;
let worker: TestProcess;

beforeAll(async () => {
  await copy.compile();
  await copy.migrate(database());
  const fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), build: copy.build });
  scheduler = fleet.scheduler({ RAE_LOG_LEVEL: 'trace' });
  worker = fleet.worker(['tally', 'labelling', 'label']);
  await ready(scheduler, worker);
});

async function tenantWith(count: number): Promise<string> {
  const id = await addTenant(database());
  await storeMix(database(), id, mixOfMemories(random, count, new Date('2026-01-01T00:00:00Z')));
  return id;
}

/** The last four slots of a cron in UTC, oldest first. */
function lastFour(cron: string): readonly Date[] {
  const newest = latestSlot({ cron, timeZone: 'UTC' }, new Date());
  if (newest === undefined) throw new Error(`${cron} has no slot`);
  return [3, 2, 1, 0].map((back) => new Date(newest.getTime() - back * DAY_MS));
}

async function metrics(of: TestProcess): Promise<string> {
  const { port } = await of.event('port.opened');
  return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

describe('a worker that is added as one folder', () => {
  it('changes nothing else in the checkout', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const differs = ['src', 'queues', 'migrations', 'workers'].flatMap((folder) => {
      try {
        execFileSync('diff', ['-rq', join(root, folder), join(copy.folder, folder)]);
        return [];
      } catch (error) {
        return String((error as { stdout: Buffer }).stdout)
          .trim()
          .split('\n');
      }
    });
    expect(differs.map((line) => line.replaceAll(copy.folder, ''))).toEqual([
      'Only in /workers: label',
      'Only in /workers: labelling',
      'Only in /workers: tally',
    ]);
  });

  it('with code of several steps is planned, queued, performed and counted like any other', async () => {
    const id = await tenantWith(10);
    const slots = lastFour('10 3 * * *');
    await enrolled(database(), [id], 'tally');
    expect(await makeDue(database(), '10 3 * * *', slots[0] as Date, 'tally')).toBe(1);
    await worker.event('run.finished', { worker: 'tally', slot: slots[3]?.toISOString(), outcome: 'done' });
    await quiet(database());
    const runs = await runsOf(database(), id);
    // Its rule is that every missed slot is a run of its own.
    expect(runs.map(({ worker: of, slot, state, counts }) => ({ of, slot, state, counts }))).toEqual(
      slots.map((slot) => ({ of: 'tally', slot, state: 'done', counts: { counted: 10 } })),
    );
    const usage = await database().admin('select distinct usage_count from public.memories where tenant_id = $1', [id]);
    expect(usage).toEqual([{ usage_count: 4 }]);
    const [cycle] = await database().admin("select * from public.cycles where worker = 'tally' and slot = $1", [
      slots[3],
    ]);
    expect(cycle).toMatchObject({ total: 1 });
    expect(await metrics(worker)).toMatch(/^rae_runs_total\{worker="tally",plan="free",outcome="done"\} 4$/m);
  });

  it('with one statement lets missed slots go, as its rule says', async () => {
    const id = await tenantWith(5);
    const slots = lastFour('20 3 * * *');
    await enrolled(database(), [id], 'labelling');
    await makeDue(database(), '20 3 * * *', slots[0] as Date, 'labelling');
    await worker.event('run.finished', { worker: 'labelling', tenant_id: id, outcome: 'done' });
    await quiet(database());
    const runs = (await runsOf(database(), id)).filter((run) => run.worker === 'labelling');
    expect(runs.map(({ slot, state, reason }) => ({ slot, state, reason }))).toEqual([
      ...slots.slice(0, 3).map((slot) => ({ slot, state: 'skipped', reason: 'missed' })),
      { slot: slots[3], state: 'done', reason: null },
    ]);
    const labels = await database().admin('select distinct human_label from public.memories where tenant_id = $1', [
      id,
    ]);
    expect(labels).toEqual([{ human_label: `seen ${slots[3]?.toISOString().slice(0, 10)}` }]);
  });

  it('as the README shows one, works as it stands', async () => {
    const id = await tenantWith(6);
    await database().admin("insert into public.runs (tenant_id, worker, slot) values ($1, 'label', now())", [id]);
    await worker.event('run.finished', { worker: 'label', tenant_id: id, outcome: 'done' });
    const [run] = (await runsOf(database(), id)).filter((one) => one.worker === 'label');
    expect(run).toMatchObject({ state: 'done', counts: { labelled: 6 } });
    const labels = await database().admin('select distinct human_label from public.memories where tenant_id = $1', [
      id,
    ]);
    expect(labels).toEqual([{ human_label: 'unseen' }]);
  });

  it('is in the catalogue, the queues, the metrics of the scheduler and the policy book', async () => {
    const attached = worker.logs.filter(({ event }) => event === 'queue.attached').map(({ queue }) => queue);
    expect(attached).toEqual(expect.arrayContaining(['rae.tally.p00', 'rae.tally.p01', 'rae.labelling.p00']));
    await scheduler.event('stats.collected');
    expect(await metrics(scheduler)).toMatch(/worker="tally"/);

    const load = (file: string) => import(new URL(file, copy.build).href);
    const { loadCatalogue } = (await load('workers/index.js')) as typeof import('../../workers/index.ts');
    const catalogue = await loadCatalogue();
    expect(catalogue.names).toEqual(expect.arrayContaining(['decay', 'label', 'labelling', 'tally']));
    const schemas = catalogue.all.map(({ name, definition, fingerprint, defaultPolicy }) => {
      return [name, { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy }] as const;
    });
    const book = (await load('src/tenant/policy-book.js')) as typeof import('../../src/tenant/policy-book.ts');
    const policies: PolicyBook = new book.PolicyBook(database().tenants('rae_api'), new Map(schemas));
    const id = await tenantWith(3);
    await policies.set(id, 'labelling', { prefix: 'read' });
    expect(await policies.get(id, 'labelling')).toMatchObject({ effective: { prefix: 'read', cron: '20 3 * * *' } });
    await expect(policies.set(id, 'labelling', { prefixx: 'read' })).rejects.toMatchObject({
      code: 'RAE_POLICY_INVALID',
    });
  });
});
