import { type Schema, schemaOf } from '../../src/db/schema.ts';
import { ledgerFunctions } from '../../src/ledger/run-ledger.ts';
import { loadCatalogue } from '../../workers/index.ts';

/** The whole schema as `rae migrate` installs it. */
export async function fleetSchema(): Promise<Schema> {
  const catalogue = await loadCatalogue();
  return schemaOf([ledgerFunctions, ...catalogue.functions]);
}
