import { beforeAll, describe, expect, it } from 'vitest';
import { type AdmittedRun, RunLedger, type RunRef } from '../../src/ledger/run-ledger.ts';
import { LedgerUpkeep } from '../../src/ledger/upkeep.ts';
import { useDatabase } from '../support/database.ts';
import { query } from '../support/query.ts';
import { addRun, admittedRun, type RunColumns, readRun } from '../support/runs.ts';
import { addTenant, type TenantOptions } from '../support/tenants.ts';

const database = useDatabase();
let ledger: RunLedger;
const slot = (day: number): Date => new Date(Date.UTC(2026, 5, day, 2));

beforeAll(() => {
  ledger = new RunLedger(database().tenants(), 30_000);
});

async function run(columns: RunColumns = {}, tenant: TenantOptions = {}): Promise<AdmittedRun> {
  const tenantId = await addTenant(database(), tenant);
  const runId = await addRun(database(), tenantId, { attempt: 0, ...columns });
  return admittedRun(database(), runId);
}

const read = (ref: RunRef) => readRun(database(), ref.runId);

describe('a claim', () => {
  it('raises the attempt, takes a lease and tells all the run needs', async () => {
    const ref = await run({ payload: { of: 'mine' }, failures: 2, progress: { at: 7 } }, { plan: 'pro' });
    await database().admin(
      "insert into public.policies (tenant_id, worker, document) values ($1, 'decay', '{\"rate\": 0.5}')",
      [ref.tenantId],
    );
    expect(await ledger.claim(ref, false)).toMatchObject({
      status: 'claimed',
      attempt: 1,
      failures: 2,
      plan: 'pro',
      slot: null,
      payload: { of: 'mine' },
      progress: { at: 7 },
      document: { rate: 0.5 },
      covered: null,
    });
    const after = await read(ref);
    expect(after).toMatchObject({ state: 'running', attempt: 1, finished_at: null });
    const [lease] = await database().admin<{ ms: number }>(
      'select extract(epoch from lease_until - now()) * 1000 as ms from public.runs where run_id = $1',
      [ref.runId],
    );
    expect(Number(lease?.ms)).toBeGreaterThan(20_000);
    expect(Number(lease?.ms)).toBeLessThanOrEqual(30_000);
  });

  it('is won by exactly one of many at once', async () => {
    const ref = await run();
    const tenants = database().tenants('rae_worker', { poolSize: 8 });
    const claims = await Promise.all(Array.from({ length: 8 }, () => new RunLedger(tenants, 30_000).claim(ref, false)));
    expect(claims.map((claim) => claim.status).sort()).toEqual(['claimed', ...Array.from({ length: 7 }, () => 'lost')]);
  });

  it('tells which older slots it covers, oldest first, and none that another run covers', async () => {
    const ref = await run({ slot: slot(9), covers_from: slot(3) });
    for (const day of [6, 3, 5])
      await addRun(database(), ref.tenantId, { slot: slot(day), state: 'skipped', covered_by: slot(9) });
    await addRun(database(), ref.tenantId, { slot: slot(4), state: 'done' });
    await addRun(database(), ref.tenantId, { slot: slot(2), state: 'skipped', covered_by: slot(9) });
    await addRun(database(), ref.tenantId, { slot: slot(7), state: 'skipped', covered_by: slot(8) });
    const claim = await ledger.claim(ref, false);
    const covered = claim.status === 'claimed' ? claim.covered : undefined;
    expect(covered?.map((at) => new Date(at).getUTCDate())).toEqual([3, 5, 6]);
  });

  it.each<[what: string, tenant: TenantOptions, serves: boolean, state: string, reason: string | null]>([
    ['skips a suspended tenant, and says so', { status: 'suspended' }, false, 'skipped', 'tenant_suspended'],
    ['serves a suspended tenant where the worker does', { status: 'suspended' }, true, 'running', null],
    ['skips a deleted tenant, and says so', { status: 'deleted' }, false, 'skipped', 'tenant_deleted'],
    [
      'skips a deleted tenant even where the worker serves suspended ones',
      { status: 'deleted' },
      true,
      'skipped',
      'tenant_deleted',
    ],
  ])('%s', async (_what, tenant, serves, state, reason) => {
    const ref = await run({ lease_until: new Date() }, tenant);
    const claim = await ledger.claim(ref, serves);
    expect(claim).toMatchObject(reason === null ? { status: 'claimed' } : { status: 'skipped', reason });
    expect(await read(ref)).toMatchObject({ state, reason, attempt: 1 });
    if (reason !== null) expect(await read(ref)).toMatchObject({ lease_until: null, finished_at: expect.any(Date) });
  });

  it('skips a run whose deadline has passed, unless it has begun before', async () => {
    const deadline = new Date(Date.now() - 1);
    const late = await run({ deadline });
    expect(await ledger.claim(late, false)).toMatchObject({ status: 'skipped', reason: 'deadline' });
    expect(await read(late)).toMatchObject({ state: 'skipped', reason: 'deadline', attempt: 1 });
    for (const begun of [{ started_at: new Date() }, { failures: 1 }]) {
      expect(await ledger.claim(await run({ deadline, ...begun }), false)).toMatchObject({ status: 'claimed' });
    }
  });

  it('of a run that nobody has, or of a tenant that nobody is, is lost', async () => {
    const ref = await run();
    expect(await ledger.claim({ ...ref, runId: ref.tenantId }, false)).toEqual({ status: 'lost' });
    expect(await ledger.claim({ ...ref, tenantId: ref.runId }, false)).toEqual({ status: 'lost' });
  });
});

describe('the record of how an attempt ended', () => {
  it('counts failures, keeps the error and waits before the next try', async () => {
    const ref = await run({ state: 'running', attempt: 4, failures: 1 });
    expect(
      await ledger.settle(ref, { state: 'owed', afterMs: 60_000, reason: 'failed', error: 'boom', failed: true }),
    ).toBe(true);
    const after = await read(ref);
    expect(after).toMatchObject({
      state: 'owed',
      attempt: 4,
      failures: 2,
      reason: 'failed',
      error: 'boom',
      lease_until: null,
      finished_at: null,
    });
    expect(after.available_at.getTime() - Date.now()).toBeGreaterThan(30_000);
    expect(await ledger.failures(ref)).toBe(2);
  });

  it('spends the attempt of a claim that was rolled back, so that a late copy of its ticket is void', async () => {
    const ref = await run();
    expect(await ledger.settle(ref, { state: 'owed', fresh: true, failed: true, error: 'boom' })).toBe(true);
    expect(await read(ref)).toMatchObject({ state: 'owed', attempt: 1, failures: 1 });
    await database().admin("update public.runs set state = 'queued' where run_id = $1", [ref.runId]);
    expect(await ledger.claim(ref, false)).toEqual({ status: 'lost' });
  });

  it('adds up what the steps changed', async () => {
    const ref = await run({ state: 'running', attempt: 1 });
    const tenants = database().tenants();
    for (const counts of [{ decayed: 5 }, undefined, { decayed: 2, dates: 1 }]) {
      await tenants.inTenant(ref.tenantId, async (tx) => {
        expect(await ledger.beginStep(tx, ref)).toBe(true);
        expect(await ledger.endStep(tx, ref, { at: counts?.decayed ?? null }, counts)).toBe(true);
      });
    }
    expect(await read(ref)).toMatchObject({ counts: { decayed: 7, dates: 1 }, progress: { at: 2 } });
    expect(await ledger.settle(ref, { state: 'done', counts: { dates: 3, other: 1 } })).toBe(true);
    expect(await read(ref)).toMatchObject({ state: 'done', counts: { decayed: 7, dates: 4, other: 1 }, error: null });
  });

  it('commits with the last step or not at all', async () => {
    const ref = await run({ state: 'running', attempt: 1 });
    const add = query("insert into public.memories (tenant_id, content) values ($1, 'effect')");
    const work = (fails: boolean) =>
      database()
        .tenants()
        .inTenant(ref.tenantId, async (tx) => {
          await ledger.beginStep(tx, ref);
          await tx.rows(add, [ref.tenantId]);
          expect(await ledger.settleWithin(tx, ref, { state: 'done' })).toBe(true);
          if (fails) throw new Error('killed before the commit');
        });
    await expect(work(true)).rejects.toThrow('killed');
    expect(await read(ref)).toMatchObject({ state: 'running', attempt: 1 });
    expect(await database().admin('select 1 from public.memories where tenant_id = $1', [ref.tenantId])).toEqual([]);
    await work(false);
    expect(await read(ref)).toMatchObject({ state: 'done' });
    expect(await database().admin('select 1 from public.memories where tenant_id = $1', [ref.tenantId])).toHaveLength(
      1,
    );
  });
});

describe('a tenant with nothing to do', () => {
  const idle = async (ref: RunRef) =>
    (
      await database().admin<{ idle: boolean }>('select idle from public.tenant_cadences where tenant_id = $1', [
        ref.tenantId,
      ])
    )[0]?.idle;

  async function claimed(): Promise<{ ref: RunRef; hintSeq: number | null }> {
    const queued = await run();
    await database().admin("insert into public.tenant_cadences (tenant_id, worker, hint_seq) values ($1, 'decay', 5)", [
      queued.tenantId,
    ]);
    const claim = await ledger.claim(queued, false);
    if (claim.status !== 'claimed') throw new Error(claim.status);
    return { ref: { ...queued, attempt: claim.attempt }, hintSeq: claim.hintSeq };
  }

  it('is passed over from then on', async () => {
    const { ref, hintSeq } = await claimed();
    expect(hintSeq).toBe(5);
    await ledger.settle(ref, { state: 'done', idleSince: hintSeq });
    expect(await idle(ref)).toBe(true);
  });

  it('stays due when something arrived while the run was at work', async () => {
    const { ref, hintSeq } = await claimed();
    await database().admin('update public.tenant_cadences set hint_seq = hint_seq + 1 where tenant_id = $1', [
      ref.tenantId,
    ]);
    await ledger.settle(ref, { state: 'done', idleSince: hintSeq });
    expect(await idle(ref)).toBe(false);
  });

  it('stays due when the run did not say that there is nothing', async () => {
    const { ref } = await claimed();
    await ledger.settle(ref, { state: 'done' });
    expect(await idle(ref)).toBe(false);
  });

  it('is not declared idle by an attempt that lost its run', async () => {
    const { ref, hintSeq } = await claimed();
    expect(await ledger.settle({ ...ref, attempt: ref.attempt - 1 }, { state: 'done', idleSince: hintSeq })).toBe(
      false,
    );
    expect(await idle(ref)).toBe(false);
  });
});

describe('rescue', () => {
  const rescue = (maxLapses = 20) => new LedgerUpkeep(database().open('rae_scheduler'), maxLapses).rescue();
  const past = () => new Date(Date.now() - 60_000);

  it('counts a lapse of a run at work, and waits longer after each', async () => {
    const ref = await run({ state: 'running', attempt: 3, lapses: 4, lease_until: past() });
    expect(await rescue()).toContainEqual({
      was: 'running',
      tenantId: ref.tenantId,
      runId: ref.runId,
      worker: 'decay',
      dead: false,
    });
    const after = await read(ref);
    expect(after).toMatchObject({
      state: 'owed',
      attempt: 3,
      failures: 0,
      lapses: 5,
      reason: 'lease_lapsed',
      lease_until: null,
    });
    expect(after.available_at.getTime() - Date.now()).toBeGreaterThan(5_000);
  });

  it('does not look at what was admitted too lately for any lease to have run out', async () => {
    const ref = await run({ state: 'queued', attempt: 3, lease_until: past() });
    const upkeep = new LedgerUpkeep(database().open('rae_scheduler'), 20, 60_000);
    expect((await upkeep.rescue()).map(({ runId }) => runId)).not.toContain(ref.runId);
    expect((await rescue()).map(({ runId }) => runId)).toContain(ref.runId);
  });

  it('counts none of a run whose ticket was lost, as nobody had begun it, and makes that ticket void', async () => {
    const ref = await run({ state: 'queued', attempt: 3, lapses: 4, lease_until: past() });
    await rescue();
    expect(await read(ref)).toMatchObject({ state: 'owed', attempt: 4, lapses: 4, reason: null });
  });

  it('gives a run up at its last lapse, with the reason', async () => {
    const ref = await run({ state: 'running', attempt: 3, lapses: 2, lease_until: past() });
    await rescue(3);
    expect(await read(ref)).toMatchObject({
      state: 'dead',
      lapses: 3,
      error: 'the lease ran out 3 times',
      finished_at: expect.any(Date),
    });
  });

  it('leaves a run alone whose step is at work, however late it is', async () => {
    const ref = await run({ state: 'running', attempt: 1, lease_until: past() });
    await database()
      .tenants()
      .inTenant(ref.tenantId, async (tx) => {
        expect(await ledger.beginStep(tx, ref)).toBe(true);
        expect((await rescue()).filter((one) => one.runId === ref.runId)).toEqual([]);
        expect(await ledger.settleWithin(tx, ref, { state: 'done' })).toBe(true);
      });
    expect(await read(ref)).toMatchObject({ state: 'done', lapses: 0 });
  });

  it('ends the attempt: the worker that comes back late changes nothing', async () => {
    const ref = await run({ state: 'running', attempt: 1, lease_until: past() });
    await rescue();
    const before = await read(ref);
    expect(await ledger.settle(ref, { state: 'done', counts: { decayed: 1 } })).toBe(false);
    expect(await ledger.renew(ref)).toBe(false);
    expect(await read(ref)).toEqual(before);
  });

  it('by two at once takes each run back once', async () => {
    const refs = await Promise.all(
      Array.from({ length: 20 }, () => run({ state: 'running', attempt: 1, lease_until: past() })),
    );
    const both = (await Promise.all([rescue(), rescue()])).flat().map((one) => one.runId);
    for (const ref of refs) expect(both.filter((id) => id === ref.runId)).toHaveLength(1);
    for (const ref of refs) expect(await read(ref)).toMatchObject({ state: 'owed', lapses: 1 });
  });
});

describe('housekeeping', () => {
  const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
  const sweep = () => new LedgerUpkeep(database().open('rae_scheduler'), 20).sweep();
  const there = async (ref: RunRef) =>
    (await database().admin('select 1 from public.runs where run_id = $1', [ref.runId])).length === 1;

  it.each<[what: string, columns: RunColumns, plan: TenantOptions['plan'], kept: boolean]>([
    ['removes a done run after its plan’s 30 days', { state: 'done', finished_at: daysAgo(31) }, 'free', false],
    ['keeps a done run until then', { state: 'done', finished_at: daysAgo(29) }, 'free', true],
    ['keeps it longer for another plan', { state: 'done', finished_at: daysAgo(31) }, 'pro', true],
    ['removes a skipped run alike', { state: 'skipped', finished_at: daysAgo(31) }, 'free', false],
    ['keeps a dead run for a year, to be looked at', { state: 'dead', finished_at: daysAgo(364) }, 'free', true],
    ['removes a dead run after a year', { state: 'dead', finished_at: daysAgo(366) }, 'free', false],
    ['keeps what is still owed, however old', { state: 'owed' }, 'free', true],
    ['keeps what is still at work, however old', { state: 'running' }, 'free', true],
  ])('%s', async (_what, columns, plan, kept) => {
    const ref = await run({ created_at: daysAgo(400), ...columns }, plan === undefined ? {} : { plan });
    await sweep();
    expect(await there(ref)).toBe(kept);
  });

  it('raises the watermark with the slots it removes, and never lowers it', async () => {
    const ref = await run({ state: 'done', slot: slot(3), created_at: daysAgo(400), finished_at: daysAgo(31) });
    await addRun(database(), ref.tenantId, {
      state: 'done',
      slot: slot(1),
      created_at: daysAgo(400),
      finished_at: daysAgo(31),
    });
    await database().admin(
      "insert into public.tenant_cadences (tenant_id, worker, watermark) values ($1, 'decay', $2)",
      [ref.tenantId, slot(2)],
    );
    await sweep();
    const watermark = () =>
      database().admin('select watermark from public.tenant_cadences where tenant_id = $1', [ref.tenantId]);
    expect(await watermark()).toEqual([{ watermark: slot(3) }]);
    await addRun(database(), ref.tenantId, {
      state: 'done',
      slot: slot(2),
      created_at: daysAgo(400),
      finished_at: daysAgo(31),
    });
    await sweep();
    expect(await watermark()).toEqual([{ watermark: slot(3) }]);
  });
});
