import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { Apt } from '../../src/embedded/apt.ts';
import { cacheDir } from '../../src/embedded/cache-dir.ts';
import { childEnv } from '../../src/embedded/child-env.ts';
import { run } from '../../src/embedded/command.ts';
import type { Identity } from '../../src/embedded/identity.ts';
import { missingLibraries, packagesFor } from '../../src/embedded/libraries.ts';
import { programsNamed } from '../../src/embedded/on-path.ts';
import { discard, draftOf, publish } from '../../src/embedded/publish.ts';
import { librariesOf } from '../../src/embedded/redis-tree.ts';

/** A PgBouncer that runs here. */
export interface PgbouncerProgram {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly version: { readonly major: number; readonly minor: number };
}

const OWN_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'libcares.so.2': ['libc-ares2', 'libcares2'],
  'libevent-2.1.so.7': ['libevent-2.1-7', 'libevent-2.1-7t64'],
};

async function programOf(
  file: string,
  env: Readonly<Record<string, string>>,
  as: Identity,
): Promise<PgbouncerProgram | undefined> {
  const { ok, output } = await run({ file, args: ['--version'], env, as });
  const found = /PgBouncer (\d+)\.(\d+)/.exec(output);
  return ok && found !== null
    ? { file, env, version: { major: Number(found[1]), minor: Number(found[2]) } }
    : undefined;
}

const inTree = (tree: string): [string, Record<string, string>] => [
  join(tree, 'usr', 'sbin', 'pgbouncer'),
  childEnv(process.env, librariesOf(tree)),
];

async function unpacked(apt: Apt, names: readonly string[], debs: string, tree: string): Promise<string | undefined> {
  const reason = await apt.download(names, debs);
  if (reason !== undefined) return reason;
  for (const deb of readdirSync(debs)) {
    await run({ file: 'dpkg', args: ['-x', join(debs, deb), tree], env: childEnv(process.env) });
  }
  return undefined;
}

/** Downloads the package of this system and the libraries it lacks into `work`, installing nothing. */
async function fill(work: string, tree: string): Promise<void> {
  const [apt] = programsNamed('apt-get', process.env);
  if (apt === undefined) throw new Error('this machine has no apt-get');
  const source = new Apt(work, process.env, apt);
  const reason = await unpacked(source, ['pgbouncer'], join(work, 'pgbouncer'), tree);
  if (reason !== undefined) throw new Error(reason);
  for (const library of await missingLibraries(...inTree(tree))) {
    for (const name of OWN_LIBRARIES[library] ?? packagesFor(library)) {
      if ((await unpacked(source, [name], join(work, name), tree)) === undefined) break;
    }
  }
}

async function fromPackages(as: Identity): Promise<PgbouncerProgram> {
  const target = join(await cacheDir(undefined, process.env, as), `pgbouncer-${arch()}`);
  const isGood = async () => (await programOf(...inTree(target), as)) !== undefined;
  if (!existsSync(target) || !(await isGood())) {
    const work = draftOf(target);
    const tree = join(work, 'tree');
    try {
      mkdirSync(tree, { recursive: true });
      await fill(work, tree);
      for (const folder of [work, tree]) chmodSync(folder, 0o755);
      await publish(tree, target, isGood);
    } finally {
      discard(work);
    }
  }
  const found = await programOf(...inTree(target), as);
  if (found === undefined) throw new Error('what was unpacked does not run');
  return found;
}

/**
 * A PgBouncer: the one on PATH, else the package of this Debian or Ubuntu, unpacked once into the cache.
 * @throws Error that says how to come by one. The tests behind a pooler are not left out where there is none.
 */
export async function findPgbouncer(as: Identity): Promise<PgbouncerProgram> {
  for (const file of [...programsNamed('pgbouncer', process.env), '/usr/sbin/pgbouncer']) {
    const found = await programOf(file, childEnv(process.env), as);
    if (found !== undefined) return found;
  }
  try {
    return await fromPackages(as);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`these tests need PgBouncer: apt-get install pgbouncer, or put one on PATH\n${why}`, {
      cause: error,
    });
  }
}
