import { describe, expect, it } from 'vitest';
import { wrongRollups } from '../support/cost-run.ts';
import { CostWriter } from '../support/cost-writer.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, type RunMidway, runsMidway } from '../support/lingering.ts';
import { NamedWorkers } from '../support/named-workers.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { addTenants } from '../support/tenants.ts';

const database = useDatabase();
useProcesses();
const random = seeded('costs exact');
const KILLS = 4;
/** TEST_ROWS=1000000 is a large fleet's: over 1,000 tenants. */
const ROWS = Number(process.env.TEST_ROWS ?? 20_000);
const TENANTS = ROWS >= 100_000 ? 1_000 : 24;
const BATCH = ROWS / 40;

describe('sums of costs under faults', () => {
  it('equal the logs to the last micro-dollar, though workers are killed in the middle, Redis is emptied, calls come late, commit out of order, are corrected and removed', async () => {
    const redis = new OwnRedis();
    await redis.start();
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redis.url,
      env: { RAE_SETTINGS: '{"cost-aggregation":{"step_rows":5}}', RAE_LOG_LEVEL: 'info', RAE_RETRY_BASE_MS: '50' },
    });
    await lingerIn(database(), 'delete on public.cost_deltas', 40);
    const workers = new NamedWorkers(fleet, database(), 'cost-aggregation');
    await ready(fleet.scheduler(), workers.start(), workers.start());
    const writer = new CostWriter(database(), await addTenants(database(), TENANTS), random);

    const chosen: string[] = [];
    const killed = async (run: RunMidway): Promise<void> => {
      workers.get(run.session)?.kill('SIGKILL');
      workers.forget(run.session);
      chosen.push(run.run_id);
      if (chosen.length === 2) await redis.ask((client) => client.flushall());
      await ready(workers.start());
    };
    const midway = async (): Promise<RunMidway | undefined> => {
      // Not faster than it is added up.
      if ((await database().admin('select from public.cost_deltas')).length < TENANTS * 12)
        await writer.write(TENANTS * 10);
      const found = (await runsMidway(database())).filter(
        (run) => workers.get(run.session) !== undefined && run.lapses < 3,
      );
      return found.length > 0 ? random.pick(found) : undefined;
    };
    // A kill counts when the ledger had to take back the very run that it was meant for.
    const bites = async () =>
      (await database().admin('select from public.runs where run_id = any($1) and lapses > 0', [chosen])).length;
    while ((await bites()) < KILLS) {
      await killed(await eventually(midway, { what: 'a worker to be in the middle of a run', withinMs: 90_000 }));
    }

    // The rest as fast as it goes, with a worker killed wherever it is.
    await endLingering(database());
    const large = { RAE_SETTINGS: '{"cost-aggregation":{"step_rows":500}}' };
    for (let batch = 0; writer.written < ROWS; batch += 1) {
      await writer.write(BATCH);
      if (batch % 12 !== 5) continue;
      // The one that has worked for longest: in the end all take large steps.
      workers.kill(workers.sessions[0] ?? '');
      await redis.ask((client) => client.flushall());
      await ready(workers.start(large));
    }
    await writer.finish();
    await quiet(database(), ROWS >= 100_000 ? 900_000 : 120_000, 'cost-aggregation');

    expect(await database().admin('select from public.cost_deltas')).toEqual([]);
    expect(await wrongRollups(database())).toEqual([]);
    const [ledger] = await database().admin<{ failures: number; unknown: number; told: number }>(
      `select (select coalesce(sum(failures), 0)::int from public.runs) as failures,
              (select count(*)::int from public.cost_logs where total_cost_usd is null) as unknown,
              (select coalesce(sum(calls), 0)::int from public.cost_unknowns) as told`,
    );
    expect(ledger?.failures).toBe(0);
    expect(ledger?.told, 'calls whose cost is not known').toBe(ledger?.unknown);
    expect(Math.min(writer.late, ledger?.unknown ?? 0)).toBeGreaterThan(0);
    process.stdout.write(
      `${writer.written} calls, ${writer.late} committed late, ${ledger?.unknown} unknown, ${chosen.length} kills\n`,
    );
  });
});
