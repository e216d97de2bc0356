import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useCheckoutCopy } from '../support/checkout-copy.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, doneTwice, quiet, runsOf } from '../support/ledger.ts';
import { lingerIn } from '../support/lingering.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { readRun } from '../support/runs.ts';
import { TALLY } from '../support/tally-worker.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const copy = useCheckoutCopy({ tally: TALLY });
const random = seeded('frozen');
const [DAY, NEXT_DAY] = TEN_DAYS as readonly [Date, Date];
let fleet: TestFleet;

beforeAll(async () => {
  await copy.compile();
  await copy.migrate(database());
  fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), build: copy.build });
});

beforeEach(async () => {
  await database().admin('delete from public.runs; delete from public.memories; delete from public.decay_marks');
  await database().admin('delete from public.tenant_cadences; delete from public.policies; delete from public.tenants');
});

/** The admissions that a scheduler has begun after an instant. One that the server had made before may be told later. */
const admissions = (one: TestProcess, after: number) =>
  one.logs.filter(({ event, ts, ms }) => event === 'dispatch.admitted' && Date.parse(String(ts)) - Number(ms) >= after);

/** How long nothing may change before the sessions count as at rest: a statement may still be on its way to the server. */
const REST_MS = 500;

/** A digest of all memories, once no statement of a worker is at work on them any more. */
async function memoriesAtRest(): Promise<string> {
  let seen = { digest: '', since: 0 };
  return await eventually(
    async () => {
      const [row] = await database().admin<{ digest: string; busy: boolean }>(
        `select (select md5(string_agg(m::text, ',' order by m.id)) from public.memories m) as digest,
                exists (select from pg_catalog.pg_stat_activity where datname = current_database()
                          and application_name = 'rae worker' and state <> 'idle') as busy`,
      );
      const digest = row?.digest ?? '';
      if (row?.busy !== false || digest !== seen.digest) seen = { digest, since: performance.now() };
      return performance.now() - seen.since > REST_MS ? digest : undefined;
    },
    { what: 'the workers to be at rest' },
  );
}

describe('a dispatcher that is frozen beyond its lease', () => {
  it('admits nothing when it wakes up, and no run is done twice', async () => {
    const first = fleet.scheduler();
    await first.event('dispatch.lease_taken');
    const second = fleet.scheduler();
    const worker = fleet.worker();
    await ready(second, worker);
    const tenants = await mixedTenants(database(), random, [200, 40, 10, 5, 5, 5]);
    await enrolledAll(database(), tenants);
    await commandCycle(database(), DAY);
    first.kill('SIGSTOP');
    await second.event('dispatch.lease_taken');
    await commandCycle(database(), NEXT_DAY);
    const wokenAt = Date.now();
    first.kill('SIGCONT');
    await first.event('dispatch.lease_lost');
    await quiet(database());
    expect(admissions(first, wokenAt)).toEqual([]);
    expect(admissions(second, 0)).not.toEqual([]);
    await expectEachOnce(database(), tenants, [DAY, NEXT_DAY]);
    expect(doneTwice(worker)).toEqual([]);
  });
});

describe('a worker that is frozen beyond its lease', () => {
  beforeAll(() => lingerIn(database(), 'update on public.memories', 10));

  it('between two steps of a statement loses its fence and changes nothing when it wakes up', async () => {
    const settings = { RAE_SETTINGS: '{"decay":{"step_rows":10}}' };
    const frozen = fleet.worker(['decay'], settings);
    await ready(fleet.scheduler(), frozen);
    const tenants = await mixedTenants(database(), random, [1_500]);
    const id = tenants[0]?.id ?? '';
    await enrolledAll(database(), tenants);
    await commandCycle(database(), DAY, id);
    const running = async () => (await runsOf(database(), id)).find(({ state }) => state === 'running');
    await eventually(running, { what: 'the run to be in the middle' });
    frozen.kill('SIGSTOP');
    expect(await runsOf(database(), id)).not.toMatchObject([{ state: 'done' }]);
    await ready(fleet.worker(['decay'], settings));
    await quiet(database());
    const [run] = await runsOf(database(), id);
    expect(run).toMatchObject({ state: 'done', failures: 0 });
    expect(run?.lapses).toBeGreaterThan(0);
    frozen.kill('SIGCONT');
    await frozen.event('fence.lost', { run_id: run?.run_id });
    await expectEachOnce(database(), tenants, [DAY]);
    expect(await readRun(database(), run?.run_id ?? '')).toEqual(run);
  });

  it('changes nothing when it wakes up while another is in the middle of its run', async () => {
    // A lease, and so a time slice, long enough for each of the two to be caught in the middle.
    const settings = { RAE_SETTINGS: '{"decay":{"step_rows":10}}', RAE_LEASE_SECONDS: '4' };
    const [first, second] = [fleet.worker(['decay'], settings), fleet.worker(['decay'], settings)];
    const scheduler = fleet.scheduler();
    await ready(scheduler, first, second);
    const tenants = await mixedTenants(database(), random, [3_000]);
    const id = tenants[0]?.id ?? '';
    await enrolledAll(database(), tenants);
    const midway = async (attempt: number) =>
      await eventually(
        async () => (await runsOf(database(), id)).find((run) => run.state === 'running' && run.attempt === attempt),
        { what: `attempt ${attempt} to be in the middle`, withinMs: 20_000 },
      );
    second.kill('SIGSTOP');
    await commandCycle(database(), DAY, id);
    await midway(1);
    first.kill('SIGSTOP');
    second.kill('SIGCONT');
    await midway(2);
    second.kill('SIGSTOP');
    // Nobody takes this attempt back, and so gives the first one a ticket, before the look at what it did.
    scheduler.kill('SIGKILL');
    const before = await memoriesAtRest();
    first.kill('SIGCONT');
    await first.event('fence.lost');
    expect(await memoriesAtRest()).toBe(before);
    expect(await runsOf(database(), id), 'the run was in the middle all the while').toMatchObject([{ attempt: 2 }]);
    second.kill('SIGCONT');
    fleet.scheduler();
    await quiet(database());
    await expectEachOnce(database(), tenants, [DAY]);
  });

  it('inside a step of code has that step rolled back, and its run is done by another', async () => {
    const frozen = fleet.worker(['tally'], { RAE_SETTINGS: '{"tally":{"step_ms":300}}' });
    await ready(fleet.scheduler(), frozen);
    const [tenant] = await mixedTenants(database(), random, [30]);
    const [owed] = await database().admin<{ run_id: string }>(
      "insert into public.runs (tenant_id, worker, slot) values ($1, 'tally', $2) returning run_id",
      [tenant?.id, DAY],
    );
    const runId = owed?.run_id ?? '';
    await eventually(async () => ((await readRun(database(), runId)).progress === null ? undefined : true), {
      what: 'its first step to be committed',
    });
    frozen.kill('SIGSTOP');
    await ready(fleet.worker(['tally']));
    const done = await eventually(
      async () => {
        const run = await readRun(database(), runId);
        return run.state === 'done' ? run : undefined;
      },
      { what: 'the run to be done by another', withinMs: 30_000 },
    );
    // Where the machine has much else to do, the other may have lapsed too.
    expect(done.lapses).toBeGreaterThan(0);
    expect(done).toMatchObject({ attempt: Number(done.lapses) + 1, failures: 0, counts: { counted: 30 } });
    frozen.kill('SIGCONT');
    await frozen.event('fence.lost', { run_id: runId });
    const usage = await database().admin('select distinct usage_count from public.memories where tenant_id = $1', [
      tenant?.id,
    ]);
    expect(usage).toEqual([{ usage_count: 1 }]);
    expect(await readRun(database(), runId)).toEqual(done);
  });
});
