import type { Catalogue } from '../fleet/catalogue.ts';
import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { clean } from './cell.ts';

/** The worker names among `given`, each checked. @throws RaeError `RAE_USAGE` with the nearest worker there is. */
export function checkedWorkers(catalogue: Catalogue, given: readonly string[]): readonly string[] {
  const wrong = given.find((name) => !catalogue.names.includes(name));
  if (wrong === undefined) return given;
  const near = nearest(wrong, catalogue.names);
  throw new RaeError('RAE_USAGE', `there is no worker ${JSON.stringify(clean(wrong.slice(0, 60)))}`, {
    hint: near === undefined ? `there are: ${catalogue.names.join(', ')}` : `did you mean ${near}?`,
  });
}
