import { beforeAll, describe, expect, it } from 'vitest';
import { dispatchFunctions } from '../../src/dispatch/sql.ts';
import { RaeError } from '../../src/kernel/errors.ts';
import { RunBook } from '../../src/ledger/run-book.ts';
import { type AdmittedRun, RunLedger, type RunRef, type Settlement } from '../../src/ledger/run-ledger.ts';
import { RUN_STATES, type RunState, TRANSITIONS } from '../../src/ledger/run-state.ts';
import { LedgerUpkeep } from '../../src/ledger/upkeep.ts';
import { scheduleFunctions } from '../../src/schedule/sql.ts';
import { useDatabase } from '../support/database.ts';
import { type Performing, performing } from '../support/performing.ts';
import { query } from '../support/query.ts';
import { addRun, readRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let ledger: RunLedger;
let decay: Performing;

beforeAll(async () => {
  ledger = new RunLedger(database().tenants(), 30_000);
  decay = await performing('decay', database().tenants());
  await database().admin("insert into public.leases values ('dispatcher', 'me', 1, now() + interval '1 hour')");
  await database().admin(
    "insert into public.cadences (worker, cron, time_zone, next_at) values ('decay', '0 2 * * *', 'UTC', now())",
  );
});

/** Every move there is. Each is tried on a run in every state; it says which moves it makes, and makes no other. */
interface Move {
  readonly makes: readonly `${RunState} → ${RunState}`[];
  readonly tried: (ref: AdmittedRun) => Promise<unknown>;
  /** The lease of the run has run out. */
  readonly lapsed?: boolean;
}

const settled =
  (settlement: Settlement) =>
  (ref: RunRef): Promise<boolean> =>
    ledger.settle(ref, settlement);
const book = () => new RunBook(database().open('rae_operator'));
/** An operator is told that a run is in another state; whether it was left alone then is what is looked at here. */
const unlessRefused = (move: Promise<void>): Promise<void> =>
  move.catch((error: unknown) => {
    if (!(error instanceof RaeError) || error.code !== 'RAE_REFUSED') throw error;
  });
const upkeep = (maxLapses: number) => new LedgerUpkeep(database().open('rae_scheduler'), maxLapses).rescue();

/** Plans a slot for this tenant alone that is newer than all its runs, so that it covers what is owed. */
async function coveredByNewer({ tenantId }: RunRef): Promise<void> {
  await database().admin("insert into public.tenant_cadences (tenant_id, worker, cadence_id) values ($1, 'decay', 1)", [
    tenantId,
  ]);
  const planned =
    query(`select * from ${scheduleFunctions.installedName('plan_chunk')}(1, 'decay', $1, 'coalesce', false, true,
    '00000000-0000-0000-0000-000000000000', 100, $2)`);
  await database()
    .open('rae_scheduler')
    .rows(planned, [[new Date(Date.UTC(2026, 5, 2))], tenantId]);
}

const admitted = ({ tenantId }: RunRef): Promise<unknown> =>
  database()
    .open('rae_scheduler')
    .rows(
      query(
        `select * from ${dispatchFunctions.installedName('admit_runs')}('dispatcher', 'me', 1, 0, 60000, $1, '{decay}', '{0}', '{1}', '{false}')`,
      ),
      [[tenantId]],
    );

const MOVES: Readonly<Record<string, Move>> = {
  'admission by the dispatcher': { makes: ['owed → queued'], tried: admitted },
  'a newer slot that covers it': { makes: ['owed → skipped'], tried: coveredByNewer },
  'an operator who cancels it': {
    makes: ['owed → skipped'],
    tried: ({ runId }) => unlessRefused(book().cancel(runId)),
  },
  'an operator who retries it': {
    makes: ['dead → owed'],
    tried: ({ runId }) => unlessRefused(book().retry(runId)),
  },
  'a claim': { makes: ['queued → running'], tried: (ref) => ledger.claim(ref, false) },
  'performing it in one transaction': { makes: ['queued → done'], tried: (ref) => decay.run(ref) },
  'the next step of a run': { makes: ['running → done'], tried: (ref) => decay.run({ ...ref, fresh: false }) },
  'renewing its lease': { makes: [], tried: (ref) => ledger.renew(ref) },
  'the record of done': { makes: ['running → done'], tried: settled({ state: 'done' }) },
  'a retry, yield or deferral': { makes: ['running → owed'], tried: settled({ state: 'owed', afterMs: 5 }) },
  'a refusal': { makes: ['running → dead'], tried: settled({ state: 'dead', error: 'no' }) },
  'a skip': { makes: ['running → skipped'], tried: settled({ state: 'skipped', reason: 'disabled' }) },
  'done whose claim was rolled back': { makes: ['queued → done'], tried: settled({ state: 'done', fresh: true }) },
  'a retry whose claim was rolled back': { makes: ['queued → owed'], tried: settled({ state: 'owed', fresh: true }) },
  'a skip whose claim was rolled back': {
    makes: ['queued → skipped'],
    tried: settled({ state: 'skipped', fresh: true }),
  },
  'a refusal whose claim was rolled back': {
    makes: ['queued → dead'],
    tried: settled({ state: 'dead', error: 'no', fresh: true }),
  },
  'rescue while its lease holds': { makes: [], tried: () => upkeep(20) },
  'rescue after its lease': { makes: ['queued → owed', 'running → owed'], tried: () => upkeep(20), lapsed: true },
  'rescue after its last lease': { makes: ['queued → owed', 'running → dead'], tried: () => upkeep(1), lapsed: true },
};

/** A run that has come to `state` in an ordinary way, at attempt 3. */
async function runIn(state: RunState, lapsed: boolean): Promise<AdmittedRun> {
  const tenantId = await addTenant(database());
  const inFlight = state === 'queued' || state === 'running';
  const runId = await addRun(database(), tenantId, {
    state,
    attempt: 3,
    slot: new Date(Date.UTC(2026, 5, 1)),
    available_at: new Date(Date.UTC(2026, 5, 1)),
    lease_until: inFlight ? new Date(Date.now() + (lapsed ? -1 : 1) * 600_000) : null,
  });
  return { tenantId, runId, attempt: 3, epoch: 0, payloadHash: null };
}

const cases = Object.entries(MOVES).flatMap(([name, move]) => RUN_STATES.map((state) => [name, state, move] as const));

describe('a run', () => {
  it.each(cases)('by %s in state %s goes where it may and nowhere else', async (name, state, move) => {
    const ref = await runIn(state, move.lapsed ?? false);
    const before = await readRun(database(), ref.runId);
    await move.tried(ref);
    const after = await readRun(database(), ref.runId);
    const expected = move.makes.find((made) => made.startsWith(`${state} `));
    expect(after.state).toBe(expected?.split(' → ')[1] ?? state);
    // Where nothing moves nothing changes, but for the lease that its holder renews.
    const but = name === 'renewing its lease' ? { lease_until: null } : {};
    if (expected === undefined) expect({ ...after, ...but }).toEqual({ ...before, ...but });
    expect(after.attempt).toBeGreaterThanOrEqual(before.attempt);
  });

  it('is moved only along the table of transitions', () => {
    for (const made of Object.values(MOVES).flatMap((move) => move.makes)) {
      const [from, to] = made.split(' → ') as [RunState, RunState];
      expect(TRANSITIONS[from]).toContain(to);
    }
  });

  it('has a move here for every transition of the table', () => {
    const all = RUN_STATES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} → ${to}`));
    const made = new Set<string>(Object.values(MOVES).flatMap((move) => move.makes));
    expect(all.filter((transition) => !made.has(transition))).toEqual([]);
  });
});

describe('an attempt that is not the run’s any more', () => {
  const fenced = Object.entries(MOVES).filter(([name]) => !/dispatcher|newer slot|operator|rescue/.test(name));

  it.each(fenced)('changes nothing by %s', async (_name, move) => {
    for (const state of ['queued', 'running'] as const) {
      const ref = await runIn(state, false);
      const before = await readRun(database(), ref.runId);
      for (const attempt of [2, 4, 0]) await move.tried({ ...ref, attempt });
      expect(await readRun(database(), ref.runId)).toEqual(before);
    }
  });

  it.each(fenced)('nor in the name of another tenant, by %s', async (_name, move) => {
    const ref = await runIn('queued', false);
    const before = await readRun(database(), ref.runId);
    await move.tried({ ...ref, tenantId: await addTenant(database()) });
    expect(await readRun(database(), ref.runId)).toEqual(before);
  });
});
