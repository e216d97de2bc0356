import { beforeAll, describe, expect, it } from 'vitest';
import { Shards } from '../../src/db/shards.ts';
import { TenantContext } from '../../src/db/tenant-context.ts';
import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import type { Departure } from '../../src/fleet/run-end.ts';
import type { AdmittedRun } from '../../src/ledger/run-ledger.ts';
import { Events } from '../../src/observe/events.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { executorOn } from '../support/executor.ts';
import { addMemories } from '../support/memories.ts';
import { addRun, admittedRun, readRun } from '../support/runs.ts';
import { storeFailingPolicy } from '../support/stored-policy.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const SLOT = new Date('2026-06-15T02:00:00Z');
const SMALL_STEPS = new Map([['decay', { step_rows: 10 }]]);
let decay: CataloguedWorker;

beforeAll(async () => {
  decay = (await loadCatalogue()).get('decay');
});

/** A queued run of a tenant with so many memories. */
async function queued(memories: number): Promise<AdmittedRun> {
  const tenantId = await addTenant(database());
  const at = new Date(SLOT.getTime() - 10 * 86_400_000);
  const memory = { importance: 0.9, created_at: at, last_accessed_at: at };
  await addMemories(
    database(),
    tenantId,
    Array.from({ length: memories }, () => memory),
  );
  return admittedRun(database(), await addRun(database(), tenantId, { slot: SLOT, attempt: 2 }));
}

const stateOf = async ({ runId }: AdmittedRun) => (await readRun(database(), runId)).state;

describe('a ticket', () => {
  it('tells of each run when its end is durable, and lets none wait for a longer one', async () => {
    const [large, failing, ...small] = [await queued(35), await queued(1), await queued(1), await queued(2)];
    if (large === undefined || failing === undefined) throw new Error('no runs');
    await storeFailingPolicy(database(), decay, failing.tenantId);
    const told: (readonly [AdmittedRun, Departure])[] = [];
    const toldAtStep: number[] = [];
    const executor = executorOn(database().tenants(), {
      settings: SMALL_STEPS,
      steps: (step) => {
        toldAtStep.push(told.length);
        return step();
      },
    });
    await executor.executeAll(decay, [large, failing, ...small], (...one) => told.push(one));
    // One call for all of them; then the large run goes on, and the others have left by then.
    expect(toldAtStep).toEqual([0, 2, expect.any(Number), expect.any(Number)]);
    expect(told.slice(0, 2).map(([run]) => run)).toEqual(small);
    expect(told.map(([, departure]) => departure)).toEqual(told.map(() => ({ ms: expect.any(Number), left: true })));
    expect(await Promise.all([large, failing, ...small].map(stateOf))).toEqual(['done', 'owed', 'done', 'done']);
  });

  it('tells of none as one that has left while Postgres is away: what it cannot write down is taken back later', async () => {
    const away = database().open('rae_worker', { poolSize: 1 });
    const tenants = new TenantContext(new Shards(new Map([['main', away]])));
    const runs = [await queued(1), await queued(1)];
    await away.close();
    const events = new Events();
    const heard: string[] = [];
    events.on('*', ({ name }) => heard.push(name));
    const told: Departure[] = [];
    await executorOn(tenants, { events }).executeAll(decay, runs, (_run, departure) => told.push(departure));
    expect(told).toEqual(runs.map(() => ({ ms: expect.any(Number), left: false })));
    expect(heard).toEqual(['run.failed', 'run.failed']);
    expect(await Promise.all(runs.map(stateOf))).toEqual(['queued', 'queued']);
  });
});

describe('a run that is handed back unbegun', () => {
  it('spends the attempt of its ticket, so that run and attempt name one admission for ever', async () => {
    const run = await queued(1);
    const executor = executorOn(database().tenants());
    expect(await executor.handBack(run, 'ticket_expired')).toEqual({ ms: null, left: true });
    expect(await readRun(database(), run.runId)).toMatchObject({ state: 'owed', attempt: 3, reason: 'ticket_expired' });
    await database().admin("update public.runs set state = 'queued' where run_id = $1", [run.runId]);
    expect(await executor.handBack(run), 'the same ticket once more').toEqual({ ms: null, left: false });
    const told: Departure[] = [];
    await executor.executeAll(decay, [run], (_run, departure) => told.push(departure));
    expect(told).toEqual([{ ms: expect.any(Number), left: false }]);
    expect(await readRun(database(), run.runId)).toMatchObject({ state: 'queued', attempt: 3 });
  });
});
