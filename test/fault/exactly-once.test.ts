import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { randomMoment } from '../support/moment.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS, troubles } from '../support/ten-days.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const random = seeded('exactly once');
const KILLS = 20;
const SIZES = [3_000, 3_000, 2_000, 600, 400, 400, 300, ...Array.from({ length: 25 }, () => 1 + random.below(30))];

describe('ten days of decay in any order', () => {
  it('are applied exactly once each while workers are killed again and again', async () => {
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redisUrl(),
      env: { RAE_SETTINGS: '{"decay":{"step_rows":25}}', RAE_LOG_LEVEL: 'info' },
    });
    const tenants = await mixedTenants(database(), random, SIZES);
    const scheduler = fleet.scheduler();
    const workers = [fleet.worker(), fleet.worker(), fleet.worker()];
    await ready(scheduler, ...workers);
    await enrolledAll(database(), tenants);

    const days = [...random.shuffled(TEN_DAYS)];
    const killed = [];
    while (killed.length < KILLS) {
      // Every second kill finds a new day's work.
      const day = killed.length % 2 === 0 ? days.pop() : undefined;
      if (day !== undefined) await commandCycle(database(), day);
      await randomMoment(random, 1_500);
      const at = random.below(workers.length);
      workers[at]?.kill('SIGKILL');
      killed.push(workers[at]);
      workers[at] = fleet.worker();
    }
    await quiet(database(), 120_000);

    await expectEachOnce(database(), tenants, TEN_DAYS);
    const { lapses, failures } = await troubles(database());
    const lost = [...killed, ...workers]
      .flatMap((one) => one?.logs ?? [])
      .filter(({ event }) => event === 'fence.lost');
    process.stdout.write(`${KILLS} kills, ${lapses} leases ran out, ${lost.length} fences were lost\n`);
    expect(lapses, 'workers were killed in the middle of runs').toBeGreaterThan(0);
    expect(failures, 'a killed worker counts as no failure of the run').toBe(0);
  });
});
