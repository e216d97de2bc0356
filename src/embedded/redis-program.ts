import { readdirSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../kernel/errors.ts';
import { Attempts, REDIS_WAYS } from './attempts.ts';
import { childEnv } from './child-env.ts';
import { run, tail } from './command.ts';
import type { Identity } from './identity.ts';
import { programsNamed } from './on-path.ts';
import { unpackRedis } from './redis-packages.ts';
import { librariesOf, serverIn } from './redis-tree.ts';
import type { Env } from './service.ts';
import { isRecentRedis, newestFirst, redisVersion, type Version } from './version.ts';

/** A Redis or Valkey server program that runs here. */
export interface RedisProgram {
  readonly via: 'path' | 'cache' | 'packages';
  readonly file: string;
  /** What it needs in its environment: where its libraries are. */
  readonly extra: Readonly<Record<string, string>>;
  readonly version: Version;
}

/** What the search needs to know. `cache` is asked for only when the PATH has none. */
export interface RedisSearch {
  readonly env: Env;
  readonly identity: Identity;
  readonly cache: () => Promise<string>;
  readonly say: (line: string) => void;
}

/** The version of the server if it runs for this user; else why it does not. */
async function tryRedis(
  file: string,
  extra: Readonly<Record<string, string>>,
  { identity, env }: Pick<RedisSearch, 'identity' | 'env'>,
): Promise<Version | string> {
  const ran = await run({ file, args: ['--version'], as: identity, env: childEnv(env, extra) });
  if (!ran.ok) return `does not run: ${tail(ran.output, 2)}`;
  const version = redisVersion(ran.output);
  if (version === undefined) return `is not Redis: ${tail(ran.output, 1)}`;
  return isRecentRedis(version) ? version : `${version.text} is older than 6.2`;
}

async function onPath(search: RedisSearch, attempts: Attempts): Promise<RedisProgram | undefined> {
  const files = ['valkey-server', 'redis-server'].flatMap((name) => programsNamed(name, search.env));
  if (files.length === 0) attempts.failed('valkey-server or redis-server on PATH', 'not found');
  for (const file of files) {
    const version = await tryRedis(file, {}, search);
    if (typeof version !== 'string') return { via: 'path', file, extra: {}, version };
    attempts.failed(file, version);
  }
  return undefined;
}

async function inTree(root: string, via: 'cache' | 'packages', search: RedisSearch): Promise<RedisProgram | string> {
  const file = serverIn(root);
  if (file === undefined) return `no server program in ${root}`;
  const extra = librariesOf(root);
  const version = await tryRedis(file, extra, search);
  return typeof version === 'string' ? `${file} ${version}` : { via, file, extra, version };
}

async function unpackNow(cache: string, search: RedisSearch): Promise<RedisProgram> {
  const found = async (tree: string): Promise<RedisProgram> => {
    const program = await inTree(tree, 'packages', search);
    if (typeof program === 'string') throw new Error(program);
    return program;
  };
  const { env, say } = search;
  return await found(
    await unpackRedis({ cache, env, say, versionIn: async (tree) => (await found(tree)).version.text }),
  );
}

async function inCache(cache: string, search: RedisSearch): Promise<RedisProgram | undefined> {
  const names = readdirSync(cache).filter(
    (name) => /^(redis|valkey)-[\d.]+-/.test(name) && name.endsWith(`-${arch()}`),
  );
  const found = await Promise.all(names.map((name) => inTree(join(cache, name), 'cache', search)));
  return found.filter((program) => typeof program !== 'string').sort((a, b) => newestFirst(a.version, b.version))[0];
}

/**
 * A Redis or Valkey, 6.2 or newer, that runs here: one on the PATH, else one unpacked earlier, else one unpacked now
 * from this machine's packages, which takes no root rights.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE` with every way tried and the commands that would help.
 */
export async function findRedis(search: RedisSearch): Promise<RedisProgram> {
  const attempts = new Attempts('Redis', REDIS_WAYS);
  const onMachine = await onPath(search, attempts);
  if (onMachine !== undefined) return onMachine;
  try {
    const cache = await search.cache();
    const earlier = await inCache(cache, search);
    if (earlier !== undefined) return earlier;
    attempts.failed(`an earlier unpacking in ${cache}`, 'not found');
    return await unpackNow(cache, search);
  } catch (error) {
    attempts.failed('packages of this machine, unpacked without root rights', messageOf(error));
  }
  throw attempts.error();
}
