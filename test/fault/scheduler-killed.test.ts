import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { doneTwice, enrolled, quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, lingeringSessions } from '../support/lingering.ts';
import { randomMoment } from '../support/moment.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { urlWith } from '../support/server.ts';
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

/**
 * Makes minutes that were never planned due, unless a slot is just being planned; gives the first of them. Never later than
 * what is due already: asked again in the next minute, it would leave out the one before.
 */
async function goBack(minutes: number): Promise<Date | undefined> {
  const [cadence] = await database().admin<{ next_at: Date }>(
    `update public.cadences set next_at = least(next_at, date_trunc('minute', now()) - $2 * interval '1 minute')
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
                   when r.state = 'done' then null
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
    await lingerIn(database(), 'insert on public.runs', 8);
    const schedulers = new Map<string, TestProcess>();
    const killed: TestProcess[] = [];
    const startScheduler = () => {
      const name = `scheduler ${schedulers.size + killed.length}`;
      const url = urlWith(database().url('rae_scheduler'), { applicationName: name });
      const started = fleet().scheduler({ RAE_DATABASE_URL: url });
      schedulers.set(name, started);
      return started;
    };
    const worker = fleet().worker(['decay'], { RAE_LOG_LEVEL: 'debug' });
    await ready(worker, startScheduler(), startScheduler(), startScheduler());
    await enrolled(database(), tenants);
    let first: Date | undefined;
    const back = async (minutes: number) => {
      const to = await goBack(minutes);
      if (to !== undefined && (first === undefined || to < first)) first = to;
    };
    /** The one that is in the middle of planning a slot: a part of it is committed, another is on its way. */
    const planning = async (minutes: number) => {
      const [cadence] = await database().admin('select from public.cadences where cron = $1 and planning is not null', [
        CRON,
      ]);
      if (cadence !== undefined)
        return (await lingeringSessions(database())).find((session) => schedulers.has(session));
      await back(minutes);
      return undefined;
    };
    const dispatching = async () => {
      const [lease] = await database().admin<{ holder: string }>('select holder from public.leases');
      return [...schedulers].find(([, { pid }]) => lease?.holder.includes(`:${pid}:`))?.[0];
    };
    while (killed.length < KILLS) {
      const minutes = 3 * killed.length + 1;
      await back(minutes);
      let name = random.pick([...schedulers.keys()]);
      if (killed.length % 5 === 0)
        name = await eventually(dispatching, { what: 'somebody to dispatch', withinMs: 30_000 });
      else if (killed.length % 5 < 3)
        name = await eventually(() => planning(minutes), { what: 'somebody to be planning', withinMs: 30_000 });
      else await randomMoment(random, 900);
      const victim = schedulers.get(name) as TestProcess;
      victim.kill('SIGKILL');
      schedulers.delete(name);
      killed.push(victim);
      startScheduler();
    }
    await endLingering(database());
    await eventually(
      async () => {
        const [due] = await database().admin('select from public.cadences where next_at <= now()');
        return due === undefined ? true : undefined;
      },
      { what: 'every slot to be planned', withinMs: 30_000 },
    );
    await quiet(database());
    const [lease] = await database().admin<{ epoch: number }>('select epoch::int from public.leases');
    const planned = [...killed, ...schedulers.values()]
      .flatMap((one) => one.logs)
      .filter(({ event }) => event === 'cycle.planned');
    process.stdout.write(
      `${KILLS} kills, ${lease?.epoch} holders of the lease, ${planned.length} slots told as planned, ` +
        `first slot ${first?.toISOString()}\n`,
    );
    expect(lease?.epoch, 'the lease changed hands').toBeGreaterThanOrEqual(KILLS / 5);
    expect(await slotsAmiss(first as Date)).toEqual([]);
    expect(doneTwice(worker)).toEqual([]);
    const [count] = await database().admin<{ runs: number }>(
      "select count(*)::int as runs from public.runs where state = 'done'",
    );
    expect(count?.runs).toBeGreaterThanOrEqual(TENANTS);
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
