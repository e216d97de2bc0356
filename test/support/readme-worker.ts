import { readFileSync } from 'node:fs';
import type { WorkerFolder } from './checkout-copy.ts';

const readme = new URL('../../README.md', import.meta.url);

/** The files of the worker that the README shows, as a reader would type them in: each begins with its own path. */
export function readmeWorker(name: string): WorkerFolder {
  const blocks = readFileSync(readme, 'utf8').matchAll(
    /^```(?:ts|sql)\n(?:\/\/|--) workers\/([\w-]+)\/([\w.-]+).*\n([^`]*)^```$/gm,
  );
  const files = [...blocks].flatMap(([, worker, file = '', text = '']) =>
    worker === name ? [[file, text] as const] : [],
  );
  if (files.length === 0) throw new Error(`the README shows no files of a worker ${name}`);
  return Object.fromEntries(files);
}
