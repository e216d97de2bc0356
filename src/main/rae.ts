import { loadCatalogue } from '../../workers/index.ts';
import { runCli } from '../cli/cli.ts';
import { commandsOf } from '../cli/commands.ts';
import { systemClock } from '../kernel/clock.ts';
import { fleetSchema } from './schema.ts';
import { runScheduler, runWorker } from './service.ts';

const { argv, stdout, stderr } = process;

const commands = commandsOf({ scheduler: runScheduler, workers: runWorker });
const exit = await runCli({ args: argv.slice(2), stdout, stderr }, commands, {
  clock: systemClock,
  loadCatalogue,
  schemaOf: fleetSchema,
});
// Everything is written and closed: a timer that a library left behind must not keep the process.
process.exit(exit);
