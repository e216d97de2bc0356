import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, type RunMidway, runsMidway } from '../support/lingering.ts';
import { randomMoment } from '../support/moment.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { urlWith } from '../support/server.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS, troubles } from '../support/ten-days.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const random = seeded('exactly once');
const KILLS = 14;
/** A run that was taken back so often waits for long before it comes again. */
const MOST_LAPSES = 3;
const LARGE = Array.from({ length: 12 }, () => 600 + random.below(400));
const SMALL = Array.from({ length: 20 }, () => 1 + random.below(30));

/** The dates in any order, the ten first and later ones where those do not last. */
function* anyOrder(): Generator<Date, never> {
  yield* random.shuffled(TEN_DAYS);
  for (let day = 11; ; day += 1) yield new Date(Date.UTC(2026, 2, day, 2));
}

describe('ten days of decay in any order', () => {
  it('are applied exactly once each while workers are killed in the middle of runs again and again', async () => {
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redisUrl(),
      env: { RAE_SETTINGS: '{"decay":{"step_rows":10}}', RAE_LOG_LEVEL: 'info' },
    });
    const tenants = await mixedTenants(database(), random, [...LARGE, ...SMALL]);
    await lingerIn(database(), 'update on public.memories', 10);
    const workers = new Map<string, TestProcess>();
    const ended: TestProcess[] = [];
    const startWorker = () => {
      const name = `worker ${workers.size + ended.length}`;
      const url = urlWith(database().url('rae_worker'), { applicationName: name });
      workers.set(name, fleet.worker(['decay'], { RAE_DATABASE_URL: url }));
    };
    for (let count = 0; count < 3; count += 1) startWorker();
    await ready(fleet.scheduler(), ...workers.values());
    await enrolledAll(database(), tenants);

    const order = anyOrder();
    const days: Date[] = [];
    const nextDay = async () => {
      const day = order.next().value;
      days.push(day);
      await commandCycle(database(), day);
    };
    const chosen: string[] = [];
    const midway = async (): Promise<RunMidway | undefined> => {
      const isFit = (run: RunMidway) =>
        workers.has(run.session) && run.lapses < MOST_LAPSES && !chosen.includes(run.run_id);
      const found = (await runsMidway(database())).filter(isFit);
      if (found.length > 0) return random.pick(found);
      const [busy] = await database().admin("select from public.runs where state in ('owed', 'queued', 'running')");
      if (busy === undefined) await nextDay();
      return undefined;
    };
    // A kill counts when the ledger had to take back the very run that it was meant for.
    const bites = async () => {
      const cut = 'select from public.runs where run_id = any($1) and lapses > 0';
      return (await database().admin(cut, [chosen])).length;
    };
    while ((await bites()) < KILLS) {
      if (ended.length % 2 === 0 && days.length < TEN_DAYS.length) await nextDay();
      const run = await eventually(midway, { what: 'a worker to be in the middle of a run', withinMs: 60_000 });
      await randomMoment(random, 200);
      const victim = workers.get(run.session) as TestProcess;
      victim.kill('SIGKILL');
      chosen.push(run.run_id);
      workers.delete(run.session);
      ended.push(victim);
      startWorker();
    }
    while (days.length < TEN_DAYS.length) await nextDay();
    await endLingering(database());
    await quiet(database(), 120_000);

    await expectEachOnce(database(), tenants, days);
    const { lapses, failures } = await troubles(database());
    const lost = [...ended, ...workers.values()]
      .flatMap(({ logs }) => logs)
      .filter(({ event }) => event === 'fence.lost');
    process.stdout.write(
      `${ended.length} kills, ${days.length} days, ${lapses} leases ran out, ${lost.length} fences were lost\n`,
    );
    expect(failures, 'a killed worker counts as no failure of the run').toBe(0);
  });
});
