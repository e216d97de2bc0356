import { existsSync, readdirSync } from 'node:fs';
import { Catalogue } from '../src/fleet/catalogue.ts';

/**
 * The catalogue of every worker there is: one per folder beside this file. Adding a worker is adding a folder.
 * @throws RaeError `RAE_WORKER_INVALID` where a folder does not fulfil the worker contract.
 */
export async function loadCatalogue(): Promise<Catalogue> {
  const here = new URL('.', import.meta.url);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const folders = readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const modules: (readonly [string, unknown])[] = [];
  for (const folder of folders) {
    const file = new URL(`./${folder}/worker.${extension}`, here);
    const found = existsSync(file) ? ((await import(file.href)) as { default?: unknown }) : {};
    modules.push([folder, found.default]);
  }
  return Catalogue.of(modules);
}
