import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { childEnv } from './child-env.ts';
import { run, tail } from './command.ts';
import type { Place } from './place.ts';
import type { PostgresProgram } from './postgres-program.ts';
import { discard, draftOf } from './publish.ts';
import type { Env, Purpose } from './service.ts';

/** The name of the superuser and of the database that a started Postgres has. */
export const SUPERUSER = 'postgres';
export const DATABASE = 'rae';

/** Where the data of Postgres lies in a place. */
export function clusterFolder(place: Pick<Place, 'folder'>): string {
  return join(place.folder, 'postgres');
}

/** The major version that made the data; undefined where there is none yet. */
export function clusterMajor(place: Pick<Place, 'folder'>): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(clusterFolder(place), 'PG_VERSION'), 'utf8'), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RaeError('RAE_DATA_DIR_UNUSABLE', `the data of Postgres cannot be read: ${messageOf(error)}`, {
      hint: 'run as the user who made it, or name another folder with --data DIR',
    });
  }
}

/** What making a cluster, or mending its password, needs. */
export interface ClusterRequest {
  readonly place: Place;
  readonly program: PostgresProgram;
  readonly purpose: Purpose;
  readonly env: Env;
  /** Where the superuser's password is kept, readable by this user only. */
  readonly passwordFile: string;
}

function failure(step: string, output: string): RaeError {
  const marked = output.split('\n').flatMap((line) => /\b(?:FATAL|PANIC|ERROR|error): .*/.exec(line)?.[0] ?? []);
  const said = marked.length > 0 ? marked.slice(0, 3).join('\n') : tail(output, 8);
  return new RaeError('RAE_DATA_DIR_UNUSABLE', `${step} failed, and what it made was removed:\n${said}`, {
    hint: 'free space, or name another folder with --data DIR',
  });
}

/** Runs one statement on a cluster that no server has open. */
async function single(request: ClusterRequest, cluster: string, statement: string): Promise<string | undefined> {
  const { program, place, env } = request;
  const ran = await run({
    file: join(program.bin, 'postgres'),
    args: ['--single', '-D', cluster, '-c', 'exit_on_error=on', '-c', 'log_statement=none', 'postgres'],
    as: place.identity,
    env: childEnv(env),
    cwd: cluster,
    input: `${statement}\n`,
  });
  return ran.ok ? undefined : ran.output;
}

async function initialise(request: ClusterRequest, draft: string, password: string): Promise<void> {
  const { program, place, purpose, env } = request;
  const given = `${draft}.password`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(given, `${password}\n`, { mode: 0o600 });
    for (const path of place.identity.ids === undefined ? [] : [draft, given]) {
      chownSync(path, place.identity.ids?.uid ?? 0, place.identity.ids?.gid ?? 0);
    }
    const auth = [`--username=${SUPERUSER}`, '--auth=scram-sha-256', `--pwfile=${given}`];
    const ran = await run({
      file: join(program.bin, 'initdb'),
      args: [
        `--pgdata=${draft}`,
        ...auth,
        '--encoding=UTF8',
        '--locale=C',
        ...(purpose === 'test' ? ['--no-sync'] : []),
      ],
      as: place.identity,
      env: childEnv(env),
      withinMs: 180_000,
    });
    if (!ran.ok) throw failure('initdb', ran.output);
    const output = await single(request, draft, `create database ${DATABASE};`);
    if (output !== undefined) throw failure(`creating the database ${DATABASE}`, output);
  } finally {
    rmSync(given, { force: true });
  }
}

function savePassword(file: string, password: string): string {
  rmSync(file, { force: true });
  writeFileSync(file, password, { mode: 0o600 });
  return password;
}

async function create(request: ClusterRequest): Promise<string> {
  const { place, passwordFile } = request;
  const cluster = clusterFolder(place);
  // Of starts that were killed half-way.
  for (const name of readdirSync(place.folder)) {
    if (name.startsWith('postgres.making-')) discard(join(place.folder, name));
  }
  const draft = draftOf(cluster);
  const password = randomBytes(24).toString('hex');
  try {
    await initialise(request, draft, password);
    savePassword(passwordFile, password);
    renameSync(draft, cluster);
    return password;
  } catch (error) {
    discard(draft);
    throw error instanceof RaeError ? error : failure('making the data of Postgres', messageOf(error));
  }
}

/**
 * Makes the data of Postgres where there is none, with the database `rae`; all or nothing. The server must not run.
 * @returns the superuser's password; a lost one is replaced.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE` with the last lines that initdb printed.
 */
export async function ensureCluster(request: ClusterRequest): Promise<string> {
  if (clusterMajor(request.place) === undefined) return create(request);
  try {
    return readFileSync(request.passwordFile, 'utf8').trim();
  } catch {
    const password = randomBytes(24).toString('hex');
    const statement = `alter role ${SUPERUSER} password '${password}';`;
    const output = await single(request, clusterFolder(request.place), statement);
    if (output !== undefined)
      throw new RaeError('RAE_DATA_DIR_UNUSABLE', `the lost password of Postgres cannot be replaced:\n${tail(output)}`);
    return savePassword(request.passwordFile, password);
  }
}
