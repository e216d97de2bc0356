import { chmodSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { Apt } from './apt.ts';
import { childEnv } from './child-env.ts';
import { run, tail } from './command.ts';
import { missingLibraries, packagesFor } from './libraries.ts';
import { programsNamed } from './on-path.ts';
import { discard, draftOf, publish } from './publish.ts';
import { librariesOf, serverIn } from './redis-tree.ts';
import type { Env } from './service.ts';

/** What unpacking needs. */
export interface UnpackRequest {
  readonly cache: string;
  readonly env: Env;
  readonly say: (line: string) => void;
  /** The version of the server in an unpacked tree. Throws, saying why, when it does not run for whoever will run it. */
  readonly versionIn: (tree: string) => Promise<string>;
}

/** Server and tools in one go: which of them holds the program differs between releases. */
const SERVERS = [
  ['redis-server', 'redis-tools'],
  ['valkey-server', 'valkey-tools'],
] as const;
/** How often a library may turn out to need another one. */
const ROUNDS = 6;

async function unpack(debs: string, tree: string, env: Env): Promise<void> {
  for (const deb of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
    const ran = await run({ file: 'dpkg', args: ['-x', join(debs, deb), tree], env: childEnv(env) });
    if (!ran.ok) throw new Error(`dpkg -x ${deb}: ${tail(ran.output, 2)}`);
  }
}

/** Adds the packages of every library the server misses on this machine, and those that these miss. */
async function addLibraries(apt: Apt, work: string, tree: string, env: Env): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = serverIn(tree);
    if (server === undefined) throw new Error('the packages hold no server program');
    const missing = await missingLibraries(realpathSync(server), childEnv(env, librariesOf(tree)));
    if (missing.length === 0) return;
    const debs = join(work, `libraries-${round}`);
    for (const library of missing) {
      const names = packagesFor(library);
      if (names.length === 0)
        throw new Error(`the shared library ${library} is missing, and no package is known for it`);
      const reasons: string[] = [];
      for (const name of names) {
        const reason = await apt.download([name], debs);
        if (reason === undefined) break;
        reasons.push(reason);
      }
      if (reasons.length === names.length)
        throw new Error(`the shared library ${library} is missing: ${reasons.at(-1)}`);
    }
    await unpack(debs, tree, env);
  }
}

async function fill(work: string, tree: string, { env, say }: UnpackRequest): Promise<void> {
  const apt = programsNamed('apt-get', env)[0];
  if (apt === undefined || programsNamed('dpkg', env).length === 0)
    throw new Error('this machine has no apt-get and dpkg');
  say('no Redis here: downloading the packages of this system, once, without installing anything');
  const source = new Apt(work, env, apt);
  const reasons: string[] = [];
  for (const names of SERVERS) {
    const debs = join(work, names[0]);
    const reason = await source.download(names, debs);
    if (reason !== undefined) {
      reasons.push(reason);
      continue;
    }
    await unpack(debs, tree, env);
    await addLibraries(source, work, tree, env);
    return;
  }
  throw new Error(reasons.join('\n'));
}

/**
 * Downloads Redis or Valkey as packages of this Debian or Ubuntu and unpacks them, with the libraries the machine
 * lacks, into the cache. Takes no root rights and installs nothing. Two at once are safe.
 * @returns the unpacked tree.
 * @throws Error with what apt or dpkg said.
 */
export async function unpackRedis(request: UnpackRequest): Promise<string> {
  const work = draftOf(join(request.cache, 'redis'));
  const tree = join(work, 'tree');
  try {
    mkdirSync(tree, { recursive: true });
    await fill(work, tree, request);
    chmodSync(tree, 0o755);
    chmodSync(work, 0o755);
    const version = await request.versionIn(tree);
    const target = join(request.cache, `redis-${version}-${arch()}`);
    const isGood = async (): Promise<boolean> =>
      await request.versionIn(target).then(
        () => true,
        () => false,
      );
    await publish(tree, target, isGood);
    return target;
  } finally {
    discard(work);
  }
}
