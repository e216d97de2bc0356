import { describe, expect, it } from 'vitest';
import { type TestDatabase, useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, runsMidway } from '../support/lingering.ts';
import { randomMoment } from '../support/moment.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS, troubles } from '../support/ten-days.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const random = seeded('postgres lost');
const SIZES = [2_000, 1_000, 500, ...Array.from({ length: 20 }, () => 1 + random.below(30))];
const SETTINGS = { RAE_SETTINGS: '{"decay":{"step_rows":25}}', RAE_LOG_LEVEL: 'info', RAE_RETRY_BASE_MS: '500' };

/** Ends every session of the services, as an administrator or a failover does; gives how many that were. */
async function endSessions(of: TestDatabase): Promise<number> {
  const ended = await of.admin(
    `select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
      where datname = current_database() and application_name in ('rae scheduler', 'rae worker')`,
  );
  return ended.length;
}

async function midway(): Promise<true | undefined> {
  return (await runsMidway(database())).length === 0 ? undefined : true;
}

async function broken(processes: readonly TestProcess[]): Promise<void> {
  for (const one of processes) {
    const said = () =>
      one.logs.some(
        ({ event }) => event === 'database.disconnected' || event === 'loop.failed' || event === 'run.failed',
      );
    await eventually(() => (said() ? true : undefined), { what: 'the loss to be noticed' });
  }
}

describe('a Postgres that ends all sessions', () => {
  it('again and again loses no run and doubles none', async () => {
    const fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), env: SETTINGS });
    const tenants = await mixedTenants(database(), random, SIZES);
    const processes = [fleet.scheduler(), fleet.worker(), fleet.worker()];
    await ready(...processes);
    await enrolledAll(database(), tenants);
    const days = [...random.shuffled(TEN_DAYS)];
    await lingerIn(database(), 'update on public.memories', 10);
    let ended = 0;
    for (let time = 0; time < 20; time += 1) {
      const day = time % 2 === 0 ? days.pop() : undefined;
      if (day !== undefined) await commandCycle(database(), day);
      if (time % 2 === 0) await eventually(midway, { what: 'a run to be in the middle', withinMs: 30_000 });
      else await randomMoment(random, 800);
      ended += await endSessions(database());
    }
    await endLingering(database());
    await quiet(database(), 120_000);
    await expectEachOnce(database(), tenants, TEN_DAYS);
    await broken(processes);
    const { lapses, failures } = await troubles(database());
    process.stdout.write(`${ended} sessions ended, ${failures} attempts failed, ${lapses} leases ran out\n`);
    expect(failures + lapses, 'runs were cut off in the middle').toBeGreaterThan(0);
    expect(processes.map(({ exit }) => exit)).toEqual([undefined, undefined, undefined]);
  });
});

describe('a Postgres that stops at once', () => {
  it('and recovers, twice in the middle of cycles, loses no run and doubles none', async () => {
    const server = new OwnPostgres(redisUrl());
    const processes: TestProcess[] = [];
    try {
      await server.start();
      const own = server.database;
      const fleet = new TestFleet({ database: own, redisUrl: redisUrl(), env: SETTINGS });
      const tenants = await mixedTenants(own, random, SIZES);
      processes.push(fleet.scheduler(), fleet.worker(), fleet.worker());
      await ready(...processes);
      await enrolledAll(own, tenants);
      for (const day of TEN_DAYS.slice(0, 2)) {
        await commandCycle(own, day);
        await eventually(
          async () => {
            const [row] = await own.admin(
              "select from public.runs where state = 'running' or (slot = $1 and state = 'done')",
              [day],
            );
            return row === undefined ? undefined : true;
          },
          { what: 'runs to be in work' },
        );
        await server.stopAtOnce();
        await broken(processes);
        await server.start();
      }
      const readiness = async (one: TestProcess) => {
        const { port } = await one.event('port.opened');
        return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
      };
      for (const one of processes) {
        await eventually(async () => ((await readiness(one)) === 200 ? true : undefined), {
          what: 'the process to be ready again',
          withinMs: 30_000,
        });
      }
      await commandCycle(own, TEN_DAYS[2] as Date);
      await quiet(own, 90_000);
      await expectEachOnce(own, tenants, TEN_DAYS.slice(0, 3));
      expect(processes.map(({ exit }) => exit)).toEqual([undefined, undefined, undefined]);
    } finally {
      for (const one of processes) one.kill('SIGKILL');
      await Promise.all(processes.map((one) => one.ended()));
      await server.remove();
    }
  });
});
