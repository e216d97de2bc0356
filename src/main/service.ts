import { runService } from '../fleet/service-process.ts';
import { openWorker } from '../fleet/worker-process.ts';
import { openScheduler } from '../schedule/scheduler-process.ts';
import { processParts } from './parts.ts';

/** Runs the scheduler in this process. @returns its exit code. */
export async function runScheduler(): Promise<number> {
  const { parts, warnings } = await processParts();
  return runService('scheduler', parts, warnings, () => openScheduler(parts));
}

/** Runs the named workers in this process. @returns its exit code. */
export async function runWorker(names: readonly string[]): Promise<number> {
  const { parts, warnings } = await processParts();
  for (const name of names) parts.catalogue.get(name);
  return runService(`worker ${names.join(' ')}`, parts, warnings, () => openWorker(parts, names));
}
