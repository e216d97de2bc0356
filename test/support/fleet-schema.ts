import type { Schema } from '../../src/db/schema.ts';
import { fleetSchema as schemaWith } from '../../src/main/schema.ts';
import { loadCatalogue } from '../../workers/index.ts';

/** The whole schema as `rae migrate` installs it. */
export async function fleetSchema(): Promise<Schema> {
  return schemaWith(await loadCatalogue());
}
