import type { CataloguedWorker } from '../../fleet/catalogue.ts';
import type { Command } from '../command.ts';
import { type Column, table } from '../table.ts';

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
  does: 'Lists the workers there are, each with its default schedule.',
  examples: ['rae worker list', 'rae worker list --json'],
  run: async (call) => {
    const workers = (await call.catalogue).all;
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
        })),
      },
      text: () => table(COLUMNS, workers, call.out.look),
    };
  },
};
