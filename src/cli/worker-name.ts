import type { Catalogue, CataloguedWorker } from '../fleet/catalogue.ts';
import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { clean } from './cell.ts';

/** The worker that was typed. @throws RaeError `RAE_USAGE` with the nearest name there is. */
export function workerNamed(catalogue: Catalogue, name: string): CataloguedWorker {
  if (catalogue.names.includes(name)) return catalogue.get(name);
  const near = nearest(name, catalogue.names);
  throw new RaeError('RAE_USAGE', `there is no worker ${JSON.stringify(clean(name.slice(0, 60)))}`, {
    hint: near === undefined ? `there are: ${catalogue.names.join(', ')}` : `did you mean ${near}?`,
  });
}
