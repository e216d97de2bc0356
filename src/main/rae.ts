import { loadCatalogue } from '../../workers/index.ts';
import { runCli } from '../cli/cli.ts';
import { commandsOf } from '../cli/commands.ts';
import { systemClock } from '../kernel/clock.ts';
import { fleetSchema } from './schema.ts';

const { argv, stdin, stdout, stderr } = process;

// Loaded by those who run one: with BullMQ and the metrics, it is most of what a command would wait for.
const services = () => import('./service.ts');
const commands = commandsOf({
  scheduler: async () => (await services()).runScheduler(),
  workers: async (names) => (await services()).runWorker(names),
  api: async (elseAnyPort) => (await import('./api.ts')).runApi(elseAnyPort),
});
const exit = await runCli({ args: argv.slice(2), stdin, stdout, stderr }, commands, {
  clock: systemClock,
  loadCatalogue,
  schemaOf: fleetSchema,
});
// Everything is written and closed: a timer that a library left behind must not keep the process.
process.exit(exit);
