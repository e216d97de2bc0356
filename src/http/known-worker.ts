import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';

/** The name, of a worker that there is. @throws RaeError `RAE_USAGE` with the nearest */
export function knownWorker(workers: readonly string[], name: string): string {
  if (workers.includes(name)) return name;
  const near = nearest(name, workers);
  const hint = near === undefined ? `there are: ${workers.join(', ')}` : `did you mean ${near}?`;
  throw new RaeError('RAE_USAGE', `there is no worker ${JSON.stringify(name)}`, { hint });
}
