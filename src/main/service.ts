import { loadCatalogue } from '../../workers/index.ts';
import { loadConfig } from '../config/config.ts';
import { runService } from '../fleet/service-process.ts';
import { openWorker } from '../fleet/worker-process.ts';
import { systemClock } from '../kernel/clock.ts';
import { Events } from '../observe/events.ts';
import { openScheduler } from '../schedule/scheduler-process.ts';
import { fleetSchema } from './schema.ts';

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

async function processParts() {
  const { config, warnings } = loadConfig();
  const catalogue = await loadCatalogue();
  const parts = { config, events: new Events(), clock: systemClock, catalogue, schema: fleetSchema(catalogue) };
  return { parts, warnings };
}
