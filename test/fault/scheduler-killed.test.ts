import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { enrolled, quiet } from '../support/ledger.ts';
import { randomMoment } from '../support/moment.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { mixedTenants } from '../support/ten-days.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const random = seeded('scheduler killed');
const KILLS = 50;
const TENANTS = 40;
const CRON = '* * * * *';

const fleet = () =>
  new TestFleet({ database: database(), redisUrl: redisUrl(), env: { RAE_FANOUT_CHUNK: '7', RAE_LOG_LEVEL: 'info' } });

/** Tenants that are due every minute. */
async function busyTenants(): Promise<readonly string[]> {
  const sizes = Array.from({ length: TENANTS }, () => 1 + random.below(20));
  const ids = (await mixedTenants(database(), random, sizes)).map(({ id }) => id);
  await database().admin(
    `insert into public.policies (tenant_id, worker, document)
     select unnest($1::uuid[]), 'decay', jsonb_build_object('cron', $2::text)`,
    [ids, CRON],
  );
  return ids;
}

/** Makes minutes that were never planned due, unless a slot is just being planned; gives the first of them. */
async function goBack(minutes: number): Promise<Date | undefined> {
  const [cadence] = await database().admin<{ next_at: Date }>(
    `update public.cadences set next_at = date_trunc('minute', now()) - $2 * interval '1 minute'
      where cron = $1 and planning is null returning next_at`,
    [CRON, minutes],
  );
  return cadence?.next_at;
}

/** What is wrong with the slots from `first` to the last one planned: each tenant must have each of them once, done or covered. */
async function slotsAmiss(first: Date): Promise<readonly string[]> {
  const rows = await database().admin<{ says: string }>(
    `with slots as (
       select s.slot from public.cadences c,
              generate_series($1::timestamptz, c.next_at - interval '1 minute', interval '1 minute') s (slot)
        where c.cron = $2),
     judged as (
       select t.tenant_id, s.slot, r.state, r.reason, r.attempt,
              case when r.run_id is null then 'is missing'
                   when r.state = 'done' and r.attempt <= 1 + r.failures + r.lapses then null
                   when r.state = 'skipped' and r.reason = 'covered' and exists (
                     select from public.runs o where o.tenant_id = r.tenant_id and o.worker = 'decay' and o.slot = r.covered_by
                        and o.state = 'done' and o.covers_from <= r.slot) then null
                   else format('is %s (%s), attempt %s, covered by %s', r.state, r.reason, r.attempt, r.covered_by) end as fault
         from public.tenants t cross join slots s
         left join public.runs r on r.tenant_id = t.tenant_id and r.worker = 'decay' and r.slot = s.slot)
     select format('%s of %s %s', slot, tenant_id, fault) as says from judged where fault is not null limit 20`,
    [first, CRON],
  );
  return rows.map(({ says }) => says);
}

describe('a scheduler that is killed', () => {
  it('fifty times, at any moment, leaves no slot out and makes none twice', async () => {
    const tenants = await busyTenants();
    const schedulers = [fleet().scheduler(), fleet().scheduler(), fleet().scheduler()];
    await ready(fleet().worker(), ...schedulers);
    await enrolled(database(), tenants);
    const killed: TestProcess[] = [];
    let first: Date | undefined;
    let inTheMiddle = 0;
    while (killed.length < KILLS) {
      const back = await goBack(3 * killed.length + 1);
      if (back !== undefined && (first === undefined || back < first)) first = back;
      await randomMoment(random, 900);
      const at = random.below(schedulers.length);
      const victim = schedulers[at] as TestProcess;
      victim.kill('SIGKILL');
      killed.push(victim);
      const [cadence] = await database().admin('select from public.cadences where cron = $1 and planning is not null', [
        CRON,
      ]);
      if (cadence !== undefined) inTheMiddle += 1;
      schedulers[at] = fleet().scheduler();
    }
    await eventually(
      async () => {
        const [due] = await database().admin('select from public.cadences where next_at <= now()');
        return due === undefined ? true : undefined;
      },
      { what: 'every slot to be planned', withinMs: 30_000 },
    );
    await quiet(database());
    const [lease] = await database().admin<{ epoch: number }>('select epoch::int from public.leases');
    const planned = [...killed, ...schedulers]
      .flatMap((one) => one.logs)
      .filter(({ event }) => event === 'cycle.planned');
    process.stdout.write(
      `${KILLS} kills, ${lease?.epoch} holders of the lease, ${planned.length} slots told as planned, ` +
        `${inTheMiddle} kills while a slot was being planned, first slot ${first?.toISOString()}\n`,
    );
    expect(lease?.epoch, 'the lease changed hands').toBeGreaterThan(5);
    expect(inTheMiddle, 'planning was cut off in the middle').toBeGreaterThan(0);
    expect(await slotsAmiss(first as Date)).toEqual([]);
    const [count] = await database().admin<{ runs: number }>(
      "select count(*)::int as runs from public.runs where state = 'done'",
    );
    expect(count?.runs).toBeGreaterThan(TENANTS);
  });

  it('while it holds the lease is followed by a standby under the next epoch, when the lease has run out', async () => {
    const holder = fleet().scheduler();
    const taken = await holder.event('dispatch.lease_taken');
    const standby = fleet().scheduler();
    await ready(standby);
    const times: number[] = [];
    let [current, next] = [holder, standby];
    let epoch = Number(taken.epoch);
    for (let round = 0; round < 5; round += 1) {
      await randomMoment(random, 500);
      const killedAt = Date.now();
      current.kill('SIGKILL');
      const takeover = await next.event('dispatch.lease_taken');
      times.push(Date.parse(String(takeover.ts)) - killedAt);
      expect(takeover.epoch).toBe(epoch + 1);
      epoch += 1;
      current = next;
      next = fleet().scheduler();
      await ready(next);
      expect(next.logs.some(({ event }) => event === 'dispatch.lease_taken')).toBe(false);
    }
    process.stdout.write(`taken over after ${times.join(', ')} ms\n`);
  });
});
