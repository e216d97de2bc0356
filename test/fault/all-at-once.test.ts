import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, type RunMidway, runsMidway } from '../support/lingering.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { urlWith } from '../support/server.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS, troubles } from '../support/ten-days.ts';
import { TicketCopies } from '../support/ticket-copies.ts';

const database = useDatabase();
useProcesses();
const random = seeded('all at once');
const MEMORIES = 16_000;
const SIZES = [...Array.from({ length: 14 }, () => 1_000), ...Array.from({ length: 40 }, () => 50)];
const DELIVERIES = 5;

describe('ten days of decay', () => {
  it('are applied exactly once though every ticket comes five times, Redis is emptied and lost, and processes are killed or frozen beyond their leases', async () => {
    expect(SIZES.reduce((sum, size) => sum + size, 0)).toBe(MEMORIES);
    const redis = new OwnRedis();
    await redis.start();
    const copies = new TicketCopies(redis, DELIVERIES - 1);
    await copies.listen();
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redis.url,
      env: { RAE_SETTINGS: '{"decay":{"step_rows":20}}', RAE_LOG_LEVEL: 'info' },
    });
    const tenants = await mixedTenants(database(), random, SIZES);
    await lingerIn(database(), 'update on public.memories', 15);
    const workers = new Map<string, TestProcess>();
    const everStarted: TestProcess[] = [];
    const startWorker = (): TestProcess => {
      const name = `worker ${everStarted.length}`;
      const one = fleet.worker(['decay'], {
        RAE_DATABASE_URL: urlWith(database().url('rae_worker'), { applicationName: name }),
      });
      workers.set(name, one);
      everStarted.push(one);
      return one;
    };
    const dispatcher = fleet.scheduler();
    await dispatcher.event('dispatch.lease_taken');
    const standby = fleet.scheduler();
    await ready(standby, startWorker(), startWorker(), startWorker());
    await enrolledAll(database(), tenants);

    const midway = async (): Promise<RunMidway> =>
      await eventually(
        async () => {
          const found = (await runsMidway(database())).filter(({ session }) => workers.has(session));
          return found.length > 0 ? random.pick(found) : undefined;
        },
        { what: 'a worker to be in the middle of a run', withinMs: 60_000 },
      );
    const becameOf = async (run: RunMidway) =>
      await eventually(
        async () => {
          const [row] = await database().admin<{ state: string; lapses: number }>(
            'select state, lapses from public.runs where run_id = $1',
            [run.run_id],
          );
          if (row !== undefined && row.lapses > run.lapses) return 'taken back';
          return row?.state === 'done' ? 'done' : undefined;
        },
        { what: 'the lease of its run to run out', withinMs: 60_000 },
      );
    let emptied = 0;
    let lost = 0;
    const kill = async () => {
      const run = await midway();
      workers.get(run.session)?.kill('SIGKILL');
      workers.delete(run.session);
      await ready(startWorker());
    };
    const empty = async () => {
      await midway();
      const before = await redis.empty();
      emptied += 1;
      lost += before;
    };
    const loseRedis = async () => {
      await midway();
      copies.end();
      await redis.kill();
      await redis.start();
      await copies.listen();
    };
    const freezeWorker = async () => {
      for (;;) {
        const run = await midway();
        const frozen = workers.get(run.session);
        frozen?.kill('SIGSTOP');
        // The step that it had sent may have been the run's last one: then there was nothing to take back.
        const became = await becameOf(run);
        frozen?.kill('SIGCONT');
        if (became === 'done') continue;
        await frozen?.event('fence.lost', { run_id: run.run_id }, 60_000);
        return;
      }
    };
    const freezeDispatcher = async () => {
      await midway();
      dispatcher.kill('SIGSTOP');
      await standby.event('dispatch.lease_taken');
      dispatcher.kill('SIGCONT');
      await dispatcher.event('dispatch.lease_lost');
    };
    const faults = [kill, empty, freezeWorker, empty, loseRedis, freezeDispatcher, freezeWorker, empty, kill, kill];
    for (const [nth, fault] of faults.entries()) {
      await commandCycle(database(), TEN_DAYS[nth] as Date);
      await fault();
    }
    await endLingering(database());
    await quiet(database(), 180_000);

    await expectEachOnce(database(), tenants, TEN_DAYS);
    const { lapses, failures } = await troubles(database());
    const events = (name: string, of: readonly TestProcess[]) =>
      of.flatMap(({ logs }) => logs).filter(({ event }) => event === name);
    const rejections = events('fence.lost', everStarted).length;
    const rebuilds = events('queue.rebuilt', [dispatcher, standby]).length;
    process.stdout.write(
      `${copies.seen} tickets and ${copies.copies} copies, ${emptied} times emptied (${lost} tickets lost), ${lapses} leases ran out, ` +
        `${rejections} fence rejections, ${rebuilds} rebuilds\n`,
    );
    expect({ failures, emptied }).toEqual({ failures: 0, emptied: 3 });
    expect(copies.seen).toBeGreaterThan(tenants.length);
    // Each was given out five times, but for those that went with the Redis they were in.
    expect(copies.copies).toBeGreaterThan((DELIVERIES - 2) * copies.seen);
    expect(Math.min(lapses, rejections, rebuilds)).toBeGreaterThan(0);
    copies.end();
    for (const one of [dispatcher, standby, ...everStarted]) one.kill('SIGKILL');
    await redis.remove();
  }, 600_000);
});
