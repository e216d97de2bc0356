import type { CataloguedWorker } from '../../fleet/catalogue.ts';
import type { Command } from '../command.ts';
import { type Column, table } from '../table.ts';
import { announcedConsumers, describeTakers } from '../takers.ts';

const COLUMNS: readonly Column<CataloguedWorker>[] = [
  { title: 'WORKER', value: ({ name }) => name },
  {
    title: 'SCHEDULE',
    value: ({ schedule }) => (schedule === undefined ? 'when asked' : `${schedule.cron} ${schedule.timeZone}`),
  },
  { title: 'MISSED SLOTS', value: ({ definition }) => definition.when.catchUp },
  { title: 'DOES', value: ({ definition }) => definition.contract.does, shrinks: true },
];

export const workerList: Command = {
  name: 'list',
  does: 'Lists the workers there are, each with its default schedule, and which queues its processes take.',
  examples: ['rae worker list', 'rae worker list --json'],
  run: async (call) => {
    const workers = (await call.catalogue).all;
    const consumers = await announcedConsumers(call);
    const processes: Column<CataloguedWorker> = {
      title: 'PROCESSES',
      value: ({ name }) => describeTakers(consumers, name),
    };
    const takersOf = (worker: string) =>
      consumers?.takers
        .filter((one) => one.worker === worker)
        .map(({ consumes, processes: count, slots, steps }) => ({
          processes: count,
          takes: consumes.text,
          slots,
          steps,
        }));
    return {
      json: {
        workers: workers.map(({ name, definition, schedule, defaultPolicy }) => ({
          name,
          does: definition.contract.does,
          cron: schedule?.cron ?? null,
          time_zone: schedule?.timeZone ?? null,
          catch_up: definition.when.catchUp,
          serves_suspended: definition.when.servesSuspended,
          default_policy: defaultPolicy,
          /** Null = the fleet's Redis did not answer. */
          processes: takersOf(name) ?? null,
        })),
      },
      text: () => table([...COLUMNS.slice(0, -1), processes, ...COLUMNS.slice(-1)], workers, call.out.look),
    };
  },
};
