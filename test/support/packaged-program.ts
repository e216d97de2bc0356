import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
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

/** A program that runs here. */
export interface FoundProgram {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it prints for `--version`. */
  readonly version: string;
}

/** A program of a Debian package that tests need and a machine may lack. */
export interface PackagedProgram {
  readonly name: string;
  readonly package: string;
  /** Where it lies in the package, for instance `usr/sbin/pgbouncer`. */
  readonly path: string;
  /** What it says of its version. */
  readonly version: RegExp;
  /** Packages of the libraries that nothing else here is linked with; newer names first. */
  readonly libraries?: Readonly<Record<string, readonly string[]>>;
  /** What of the package is not kept. */
  readonly without?: readonly string[];
}

async function tried(
  program: PackagedProgram,
  file: string,
  env: Readonly<Record<string, string>>,
  as: Identity,
): Promise<FoundProgram | undefined> {
  const { ok, output } = await run({ file, args: ['--version'], env, as });
  return ok && program.version.test(output) ? { file, env, version: output } : undefined;
}

const inTree = (program: PackagedProgram, tree: string): [string, Record<string, string>] => [
  join(tree, program.path),
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
async function fill(program: PackagedProgram, work: string, tree: string): Promise<void> {
  const [apt] = programsNamed('apt-get', process.env);
  if (apt === undefined) throw new Error('this machine has no apt-get');
  const source = new Apt(work, process.env, apt);
  const reason = await unpacked(source, [program.package], join(work, program.package), tree);
  if (reason !== undefined) throw new Error(reason);
  for (const path of program.without ?? []) rmSync(join(tree, path), { recursive: true, force: true });
  for (const library of await missingLibraries(...inTree(program, tree))) {
    for (const name of program.libraries?.[library] ?? packagesFor(library)) {
      if ((await unpacked(source, [name], join(work, name), tree)) === undefined) break;
    }
  }
}

async function fromPackages(program: PackagedProgram, as: Identity): Promise<FoundProgram> {
  const target = join(await cacheDir(undefined, process.env, as), `${program.name}-${arch()}`);
  const isGood = async () => (await tried(program, ...inTree(program, target), as)) !== undefined;
  if (!existsSync(target) || !(await isGood())) {
    const work = draftOf(target);
    const tree = join(work, 'tree');
    try {
      mkdirSync(tree, { recursive: true });
      await fill(program, work, tree);
      for (const folder of [work, tree]) chmodSync(folder, 0o755);
      await publish(tree, target, isGood);
    } finally {
      discard(work);
    }
  }
  const found = await tried(program, ...inTree(program, target), as);
  if (found === undefined) throw new Error('what was unpacked does not run');
  return found;
}

/**
 * The program: the one on PATH, else that of the package of this Debian or Ubuntu, unpacked once into the cache.
 * @throws Error that says how to come by one. The tests that need it are not left out where there is none.
 */
export async function findPackaged(program: PackagedProgram, as: Identity): Promise<FoundProgram> {
  for (const file of [...programsNamed(program.name, process.env), `/${program.path}`]) {
    const found = await tried(program, file, childEnv(process.env), as);
    if (found !== undefined) return found;
  }
  try {
    return await fromPackages(program, as);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const how = `apt-get install ${program.package}, or put one on PATH`;
    throw new Error(`these tests need ${program.name}: ${how}\n${why}`, { cause: error });
  }
}
