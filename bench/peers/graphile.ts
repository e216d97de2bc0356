// graphile-worker with one task that does nothing but say when it began.
import { Logger, run } from 'graphile-worker';
import { DATABASE, ready, tell } from './task.ts';

await run({
  connectionString: DATABASE,
  concurrency: 16,
  maxPoolSize: 8,
  noHandleSignals: true,
  logger: new Logger(() => () => undefined),
  // Its own way to be quick when many wait would be no use with one at a time.
  taskList: { begin: async () => tell({ beganNs: String(process.hrtime.bigint()) }) },
});
ready();
