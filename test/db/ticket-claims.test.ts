import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Catalogue, type CataloguedWorker } from '../../src/fleet/catalogue.ts';
import type { Departure } from '../../src/fleet/run-end.ts';
import { done, worker, workerContract } from '../../src/fleet/worker.ts';
import type { AdmittedRun } from '../../src/ledger/run-ledger.ts';
import type { Payload } from '../../src/observe/catalogue.ts';
import { Events } from '../../src/observe/events.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { executorOn } from '../support/executor.ts';
import { addMemories, readMemories } from '../support/memories.ts';
import { query } from '../support/query.ts';
import { addRun, admittedRun, type RunColumns, readRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const SLOT = new Date('2026-06-15T02:00:00Z');
const WAITS_SINCE = new Date('2026-06-15T02:00:01Z');
const FOREIGN_HASH = 'ab'.repeat(32);
const COUNT_UP = query('update public.memories set usage_count = usage_count + 1 where tenant_id = $1');
const policy = z.strictObject({});

const counting = worker({
  contract: workerContract({
    name: 'counting',
    does: 'Counts up the usage of every memory.',
    policy,
    payload: z.strictObject({ much: z.int().default(1) }),
    settings: policy,
  }),
  when: { catchUp: 'each', listens: [], servesSuspended: false, estimateMs: 1 },
  perform: (run) =>
    run.step(async (tx) => {
      await tx.rows(COUNT_UP, [run.tenantId]);
      return done({ counted: 1 });
    }),
});

let decay: CataloguedWorker;
const code = Catalogue.of([['counting', counting]]).get('counting');

beforeAll(async () => {
  decay = (await loadCatalogue()).get('decay');
});

/** A queued run of a tenant with one memory, and the ticket of it. */
async function queued({ name }: CataloguedWorker, columns: RunColumns = {}): Promise<AdmittedRun> {
  const tenantId = await addTenant(database());
  const at = new Date(SLOT.getTime() - 10 * 86_400_000);
  await addMemories(database(), tenantId, [{ importance: 0.9, created_at: at, last_accessed_at: at }]);
  const run = { worker: name, slot: SLOT, attempt: 2, available_at: WAITS_SINCE, lease_until: new Date(), ...columns };
  return admittedRun(database(), await addRun(database(), tenantId, run));
}

type Told = readonly [AdmittedRun, Departure];

/** Does a ticket as a worker process does, and gives what it told of each run. */
async function perform(by: CataloguedWorker, runs: readonly AdmittedRun[]) {
  const events = new Events();
  const ended: Payload<'run.finished'>[] = [];
  const lost: Payload<'fence.lost'>[] = [];
  events.on('run.finished', (payload) => ended.push(payload));
  events.on('fence.lost', (payload) => lost.push(payload));
  const told: Told[] = [];
  await executorOn(database().tenants(), { events }).executeAll(by, runs, (...one) => told.push(one));
  return { ended, lost, told };
}

/** Everything of a tenant that a run of it may touch. */
const holdings = async ({ tenantId, runId }: AdmittedRun) => [
  await readRun(database(), runId),
  await readMemories(database(), tenantId),
];

const move = ({ tenantId }: AdmittedRun) =>
  database().admin('update public.tenants set placement_epoch = placement_epoch + 1 where tenant_id = $1', [tenantId]);
const change = ({ runId }: AdmittedRun) =>
  database().admin(`update public.runs set payload = '{"much": 2}' where run_id = $1`, [runId]);

const WAYS = [
  ['a statement of one run', () => decay, false],
  ['a statement of a whole ticket', () => decay, true],
  ['code', () => code, false],
] as const;

describe.each(WAYS)('a ticket of %s', (_way, workerOf, shared) => {
  /** The run between two others where a ticket may have several. */
  async function together(run: AdmittedRun) {
    const others = shared ? [await queued(workerOf()), await queued(workerOf())] : [];
    const [before, after] = others;
    const runs = [...(before ? [before] : []), run, ...(after ? [after] : [])];
    const came = await perform(workerOf(), runs);
    for (const other of others) {
      expect(await readRun(database(), other.runId), 'the others of the ticket are done').toMatchObject({
        state: 'done',
      });
    }
    const of = <T extends { runId: string }>(list: readonly T[]) => list.filter(({ runId }) => runId === run.runId);
    const departure = came.told.find(([one]) => one.runId === run.runId)?.[1];
    return { ended: of(came.ended), lost: of(came.lost), departure };
  }

  it.each([
    ['that was moved since', 'moved', move],
    ['whose run carries another payload by now', 'payload_changed', change],
  ] as const)('gives the run of a tenant back %s, and touches nothing of it', async (_what, reason, happens) => {
    const run = await queued(workerOf(), { payload: { much: 1 }, reason: 'retry', error: 'of before' });
    const memories = await readMemories(database(), run.tenantId);
    await happens(run);
    const { ended, departure } = await together(run);
    expect(await readRun(database(), run.runId)).toMatchObject({
      state: 'owed',
      attempt: 3,
      reason,
      error: null,
      failures: 0,
      available_at: WAITS_SINCE,
      lease_until: null,
      finished_at: null,
    });
    expect(await readMemories(database(), run.tenantId)).toEqual(memories);
    expect(ended).toMatchObject([{ outcome: 'yielded', reason, attempt: 2, plan: 'free', counts: {} }]);
    expect(departure, 'it has left, and nobody is charged for it').toEqual({ ms: null, left: true });
    expect((await perform(workerOf(), [run])).lost, 'its ticket is void from then on').toHaveLength(1);
    const now = await database().admin('select placement_epoch from public.tenants where tenant_id = $1', [
      run.tenantId,
    ]);
    await database().admin("update public.runs set state = 'queued', epoch = $2 where run_id = $1", [
      run.runId,
      now[0]?.placement_epoch,
    ]);
    await perform(workerOf(), [await admittedRun(database(), run.runId)]);
    expect(await readRun(database(), run.runId), 'its next ticket does it').toMatchObject({
      state: 'done',
      attempt: 4,
    });
  });

  it.each<[what: string, stale: Partial<AdmittedRun>, columns: RunColumns]>([
    ['of another epoch', { epoch: 1 }, { epoch: 2 }],
    ['of an earlier attempt', { attempt: 1 }, {}],
    ['of a later attempt', { attempt: 3 }, {}],
    ['whose run is not queued any more', {}, { state: 'owed' }],
    ['whose run another process is at', {}, { state: 'running' }],
    ['whose run is done', {}, { state: 'done' }],
  ])('%s changes nothing, and is not told as one that has left', async (_what, stale, columns) => {
    const run = await queued(workerOf(), columns);
    const before = await holdings(run);
    const { ended, lost, departure } = await together({ ...run, ...stale });
    expect(await holdings(run)).toEqual(before);
    expect(ended).toEqual([]);
    expect(lost).toHaveLength(1);
    expect(departure).toMatchObject({ left: false });
  });

  it.each([
    ['with a payload, which the ticket names', { payload: { much: 1 } }],
    ['without a payload', {}],
    ['under the epoch of a tenant that was moved before', { epoch: 4 }],
  ])('does its run %s', async (_what, columns) => {
    const run = await queued(workerOf(), columns);
    await database().admin('update public.tenants set placement_epoch = $2 where tenant_id = $1', [
      run.tenantId,
      run.epoch,
    ]);
    const { departure } = await together(run);
    expect(await readRun(database(), run.runId)).toMatchObject({ state: 'done', attempt: 3 });
    expect(departure).toEqual({ ms: expect.any(Number), left: true });
  });

  it.each([
    ['names no payload where there is one', { payload: { much: 1 } }, null],
    ['names a payload where there is none', {}, FOREIGN_HASH],
  ])('that %s gives the run back', async (_what, columns, payloadHash) => {
    const run = await queued(workerOf(), columns);
    await together({ ...run, payloadHash });
    expect(await readRun(database(), run.runId)).toMatchObject({ state: 'owed', reason: 'payload_changed' });
  });
});
