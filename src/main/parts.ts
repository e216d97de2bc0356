import { loadCatalogue } from '../../workers/index.ts';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { Events } from '../observe/events.ts';
import { fleetSchema } from './schema.ts';

/** What a service process of this environment is handed, and what is to be said about the environment. */
export async function processParts() {
  const { config, warnings } = loadConfig();
  const catalogue = await loadCatalogue();
  const parts = { config, events: new Events(), clock: systemClock, catalogue, schema: fleetSchema(catalogue) };
  return { parts, warnings };
}
