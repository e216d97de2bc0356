import { type Schema, schemaOf } from '../db/schema.ts';
import { dispatchFunctions } from '../dispatch/sql.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import { ledgerFunctions } from '../ledger/run-ledger.ts';
import { scheduleFunctions } from '../schedule/sql.ts';

/** Everything that `rae migrate` installs and that services expect to find. */
export function fleetSchema(catalogue: Catalogue): Schema {
  return schemaOf([ledgerFunctions, dispatchFunctions, scheduleFunctions, ...catalogue.functions], catalogue.names);
}
