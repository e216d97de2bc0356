import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Admission } from '../../src/dispatch/admission.ts';
import { DispatchLease } from '../../src/dispatch/lease.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { RunBook } from '../../src/ledger/run-book.ts';
import { LedgerUpkeep } from '../../src/ledger/upkeep.ts';
import { useDatabase } from '../support/database.ts';
import { query } from '../support/query.ts';
import { addRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let [tenant, other] = ['', ''];

beforeAll(async () => {
  [tenant, other] = [await addTenant(database()), await addTenant(database())];
});
afterEach(() => database().admin('delete from public.runs'));

/** Asks for a run, with these further arguments of `rae_enqueue`. */
async function ask(tenantId: string, further = ''): Promise<string> {
  const asked = query(`select public.rae_enqueue('decay'${further === '' ? '' : `, ${further}`}) as id`);
  const [row] = await database()
    .tenants('rae_api')
    .inTenant(tenantId, (tx) => tx.rows<{ id: string }>(asked, []));
  return row?.id ?? '';
}

/** Admits so many runs of each tenant, as the dispatcher does; gives their ids, tenant by tenant. */
async function admitted(wants: readonly (readonly [tenantId: string, count: number])[]) {
  const scheduler = database().open('rae_scheduler');
  const lease = new DispatchLease(scheduler, systemClock, 'main', 'test');
  await lease.renew();
  const of = { worker: 'decay', lane: 'decay', cost: 1, lent: false, queue: 'rae.decay.p00', epoch: 0, rated: false };
  const picks = wants.map(([tenantId, count]) => ({ ...of, tenantId, count }));
  const rows = await new Admission({ database: scheduler, lease, waitMs: 60_000 }).admit(picks, lease.controls);
  return wants.map((_want, nth) => (rows ?? []).filter((row) => row.nth === nth + 1).map((row) => row.run_id));
}

const stands = async (runId: string) => {
  const { state, reason, attempt } = await new RunBook(database().open('rae_operator')).show(runId);
  return { state, reason, attempt };
};
const pass = (runId: string) =>
  database().admin("update public.runs set deadline = now() - interval '1 second' where run_id = $1", [runId]);

describe('a priority', () => {
  it("puts a run before the tenant's others, the higher the sooner, and changes nothing for other tenants", async () => {
    const first = await ask(tenant);
    const high = await ask(tenant, 'priority => 9');
    const low = await ask(tenant, 'priority => 1');
    const theirs = [await ask(other), await ask(other)];
    expect(
      await admitted([
        [tenant, 1],
        [other, 1],
      ]),
    ).toEqual([[high], [theirs[0]]]);
    expect(
      await admitted([
        [tenant, 1],
        [other, 1],
      ]),
    ).toEqual([[low], [theirs[1]]]);
    expect(
      await admitted([
        [tenant, 5],
        [other, 5],
      ]),
    ).toEqual([[first], []]);
  });

  it('is held to its time like any run, and fills up a pick together with the others', async () => {
    await ask(tenant, "priority => 9, available_at => now() + interval '1 hour'");
    const plain = await ask(tenant);
    const high = await ask(tenant, 'priority => 5');
    const [runs = []] = await admitted([[tenant, 3]]);
    expect(new Set(runs)).toEqual(new Set([plain, high]));
  });

  it.each(['10', '-1', 'null'])('of %s is refused', async (priority) => {
    await expect(ask(tenant, `priority => ${priority}`)).rejects.toThrow(/the priority is .*; expected 0 to 9/);
  });
});

describe('a deadline', () => {
  it('that has passed keeps a run from being admitted, and skips it with that reason, admitted or not', async () => {
    const owed = await ask(tenant, "deadline => now() + interval '1 hour'");
    const queued = await ask(tenant, "deadline => now() + interval '1 hour', priority => 1");
    const unbound = await ask(tenant);
    expect(await admitted([[tenant, 1]])).toEqual([[queued]]);
    const upkeep = new LedgerUpkeep(database().open('rae_scheduler'), 3);
    expect(await upkeep.skipLate()).toEqual([]);
    for (const run of [owed, queued]) await pass(run);
    expect(await admitted([[tenant, 5]])).toEqual([[unbound]]);
    const late = await upkeep.skipLate();
    expect(new Map(late.map((run) => [run.runId, run.queued]))).toEqual(
      new Map([
        [owed, false],
        [queued, true],
      ]),
    );
    expect(await stands(owed)).toEqual({ state: 'skipped', reason: 'deadline', attempt: 0 });
    // Its ticket names the attempt before.
    expect(await stands(queued)).toEqual({ state: 'skipped', reason: 'deadline', attempt: 1 });
    expect(await stands(unbound)).toMatchObject({ state: 'queued' });
  });

  it('skips no run that has begun in time, nor its retries', async () => {
    const past = { deadline: new Date(Date.now() - 1_000) };
    const begun = { ...past, started_at: new Date() };
    const runs = [
      await addRun(database(), tenant, { ...begun, state: 'running', attempt: 1 }),
      await addRun(database(), tenant, { ...begun, state: 'owed', attempt: 1 }),
      await addRun(database(), tenant, { ...past, state: 'owed', attempt: 1, failures: 1 }),
    ];
    expect(await new LedgerUpkeep(database().open('rae_scheduler'), 3).skipLate()).toEqual([]);
    const [retries = []] = await admitted([[tenant, 5]]);
    expect(new Set(retries)).toEqual(new Set(runs.slice(1)));
  });

  it('that no run could keep is refused; asked for again with its key, a run is the same one', async () => {
    for (const deadline of ["now() - interval '1 second'", "'infinity'::timestamptz"])
      await expect(ask(tenant, `deadline => ${deadline}`)).rejects.toThrow(
        /the deadline is .*; expected a point in time/,
      );
    const run = await ask(tenant, "idempotency_key => 'k', deadline => now() + interval '1 hour'");
    expect(await ask(tenant, "idempotency_key => 'k', deadline => now() - interval '1 hour'")).toBe(run);
  });
});
