import type { BenchDatabase } from '../bench-database.ts';
import { cpuSince } from '../cpu.ts';
import { owe, rateOf } from '../owed.ts';
import { paired, type Row, type Sample } from '../row.ts';

/** One measurement with one kind of dispatcher: first a few runs to get warm. */
async function measured(database: BenchDatabase, fair: boolean, runs: number, worker: number): Promise<Sample> {
  const dispatcher = fair ? await database.scheduler() : await database.peer('fifo-feeder', {}, 'scheduler');
  const measure = async (): Promise<Sample> => {
    await owe(database, Math.min(runs, 10_000));
    if (!fair) dispatcher.send({ go: true });
    await database.idle();
    await database.sql('checkpoint');
    const { postgresPid: postgres, redisPid: redis } = database.stage;
    const used = cpuSince({ postgres, redis, dispatcher: dispatcher.pid, worker });
    const began = await owe(database, runs);
    if (!fair) dispatcher.send({ go: true });
    return { value: await rateOf(database, runs, began), cpu: used(runs) };
  };
  try {
    // A dispatcher that fails is told at once, not by runs that nobody admits for ten minutes.
    return await Promise.race([measure(), dispatcher.failed()]);
  } finally {
    await dispatcher.stop();
    await database.sql('vacuum analyze public.runs');
  }
}

/** Runs in tickets with fair order, caps and lending, against the same tickets fed in plain order of arrival. */
export const fifo: Row = {
  id: 'fifo',
  what: 'runs of one row in tickets, with fair order, caps and lending',
  against: 'the same tickets and procedure, fed in plain order of arrival without order or caps',
  unit: 'runs/s',
  bar: { of: 'ratio', atLeast: 0.85 },
  because:
    'Redis and the worker spend twice as much per run as beside plain tickets: fair ones hold about half as many runs, as what is picked when a place is free is parted among the partitions. And the dispatcher keeps its picture of the ledger (decision 0010).',
  async measure(stage, repeats) {
    const runs = stage.size(40_000, 10_000);
    return await stage.with(async (database) => {
      await database.tenants(2_000);
      await database.history();
      const worker = await database.worker(['touch']);
      const pairs = await paired(
        repeats,
        () => measured(database, true, runs, worker.pid),
        () => measured(database, false, runs, worker.pid),
      );
      const samples = pairs.map(([fair, plain]): Sample => {
        const { cpu = {} } = fair;
        return { value: fair.value, reference: plain.value, cpu, referenceCpu: plain.cpu ?? {} };
      });
      return { samples, notes: [`${runs} runs of 2,000 tenants, from the first insert to the last end`] };
    });
  },
};
