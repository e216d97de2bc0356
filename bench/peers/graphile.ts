// graphile-worker with one task that does nothing but say when it began.
import { type Logger, run } from 'graphile-worker';
import { DATABASE, ready, tell } from './task.ts';

const quiet: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

await run({
  connectionString: DATABASE,
  concurrency: 16,
  maxPoolSize: 8,
  noHandleSignals: true,
  logger: quiet as Logger,
  // Its own way to be quick when many wait would be no use with one at a time.
  taskList: { begin: async () => tell({ beganNs: String(process.hrtime.bigint()) }) },
});
ready();
