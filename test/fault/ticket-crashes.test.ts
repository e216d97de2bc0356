import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, doneTwice, quiet, runCounts } from '../support/ledger.ts';
import { endLingering, lingerIn, lingeringSessions } from '../support/lingering.ts';
import { randomMoment } from '../support/moment.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import type { TestProcess } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';

const redisUrl = useRedis();
const random = seeded('ticket crashes');
const CRASHES = 10;
// Small ones, so that many runs are in each ticket.
const SIZES = Array.from({ length: 250 }, () => 1 + random.below(12));

/** The runs that a worker has told as done so far. */
const acknowledged = (workers: readonly TestProcess[]): readonly string[] =>
  workers
    .flatMap(({ logs }) => logs)
    .filter(({ event, outcome }) => event === 'run.finished' && outcome === 'done')
    .map(({ run_id }) => String(run_id));

describe('a Postgres that is stopped at once in the middle of tickets', () => {
  it('ten times loses no run that was acknowledged, and does none twice', async () => {
    const server = new OwnPostgres(redisUrl());
    const processes: TestProcess[] = [];
    try {
      await server.start();
      const own = server.database;
      const fleet = new TestFleet({ database: own, redisUrl: redisUrl() });
      const tenants = await mixedTenants(own, random, SIZES);
      const workers = [fleet.worker(), fleet.worker()];
      processes.push(fleet.scheduler(), ...workers);
      await ready(...processes);
      await enrolledAll(own, tenants);
      await lingerIn(own, 'update on public.memories', 4);
      let told = 0;
      let undone = 0;
      for (const day of TEN_DAYS.slice(0, CRASHES)) {
        const before = acknowledged(workers).length;
        await commandCycle(own, day);
        const isMidway = async () => {
          const lingers = await lingeringSessions(own);
          return lingers.length > 0 && acknowledged(workers).length > before ? true : undefined;
        };
        await eventually(isMidway, { what: 'a worker to be in the middle of a ticket', withinMs: 90_000 });
        await randomMoment(random, 60);
        await server.stopAtOnce();
        const done = acknowledged(workers);
        told = done.length;
        await server.start();
        const [state] = await own.admin<{ lost: number; undone: number }>(
          `select (count(*) filter (where run_id = any($1) and state <> 'done'))::int as lost,
                  (count(*) filter (where state not in ('done', 'skipped')))::int as undone from public.runs`,
          [done],
        );
        expect(state?.lost, `acknowledged and lost; ${await runCounts(own)}`).toBe(0);
        undone += state?.undone === 0 ? 0 : 1;
      }
      await endLingering(own);
      await quiet(own, 180_000);
      await expectEachOnce(own, tenants, TEN_DAYS.slice(0, CRASHES));
      expect(doneTwice(...workers)).toEqual([]);
      expect(undone, 'each time there were runs left to do').toBe(CRASHES);
      expect(processes.map(({ exit }) => exit)).toEqual([undefined, undefined, undefined]);
      process.stdout.write(`${told} runs were acknowledged before the last of ${CRASHES} crashes\n`);
    } finally {
      for (const one of processes) one.kill('SIGKILL');
      await Promise.all(processes.map((one) => one.ended()));
      await server.remove();
    }
  }, 600_000);
});
