import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { childEnv } from './child-env.ts';
import { freePort } from './free-port.ts';
import { type Running, startGuarded } from './guardian.ts';
import type { Place } from './place.ts';
import { findRedis, type RedisProgram } from './redis-program.ts';
import { askInfo } from './resp.ts';
import type { Purpose, StartedService } from './service.ts';
import { writeStamps } from './stamp-file.ts';
import type { StartRequest } from './start-request.ts';
import { until } from './until.ts';

/** How long reading its log back may take, in milliseconds. */
const READY_MS = 120_000;
/** How long an orderly end, which flushes the log, may take, in milliseconds. */
const GRACE_MS = 10_000;
/** How often another process may be quicker to take the free port. */
const TRIES = 5;

/** Where the data of Redis lies in a place. */
export function redisFolder(place: Pick<Place, 'folder'>): string {
  return join(place.folder, 'redis');
}

/** A value as redis.conf takes it, whatever characters are in it. */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** The settings of a started server. The password is here because a command line is open to every user. */
export function redisConf(folder: string, port: number, password: string, purpose: Purpose): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${quoted(password)}`,
    `dir ${quoted(folder)}`,
    'maxmemory-policy noeviction',
    'save ""',
    `appendonly ${purpose === 'keep' ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'daemonize no',
    '',
  ].join('\n');
}

function prepare({ place }: StartRequest, conf: string): string {
  const folder = redisFolder(place);
  const file = join(folder, 'redis.conf');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  rmSync(file, { force: true });
  writeFileSync(file, conf, { mode: 0o600 });
  const { ids } = place.identity;
  for (const path of ids === undefined ? [] : [folder, file]) chownSync(path, ids?.uid ?? 0, ids?.gid ?? 0);
  return file;
}

/** 'yes' once it answers; 'port' when another try may go better; else what stood against it. */
async function ready(running: Running, port: number, password: string): Promise<'yes' | 'port' | string> {
  const state = await until(async () => {
    if (running.hasEnded()) return 'ended';
    const answer = await askInfo({ at: { host: '127.0.0.1', port }, password }, 1_000).catch(() => '');
    return answer.startsWith('$') ? 'yes' : undefined;
  }, READY_MS);
  if (state === 'yes') return state;
  await running.stop();
  const log = running.logTail();
  if (/Address already in use/i.test(log)) return 'port';
  return state === undefined ? `no answer after ${READY_MS / 1_000} s:\n${log}` : log;
}

async function startReady(
  request: StartRequest,
  program: RedisProgram,
): Promise<{ readonly running: Running; readonly url: string; readonly port: number }> {
  const { dir, place, purpose, env } = request;
  const folder = redisFolder(place);
  let state = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = await freePort();
    const password = randomBytes(24).toString('hex');
    const conf = prepare(request, redisConf(folder, port, password, purpose));
    const running = await startGuarded({
      name: 'Redis',
      command: [program.file, conf],
      env: childEnv(env, program.extra),
      cwd: folder,
      as: place.identity,
      log: dir.file('redis.log'),
      soft: 'TERM',
      hard: 'KILL',
      graceMs: GRACE_MS,
      ...(purpose === 'test' ? { wipe: folder } : {}),
    });
    writeStamps(dir.file('redis.json'), [running.server, running.guardian]);
    state = await ready(running, port, password);
    if (state === 'yes') return { running, port, url: `redis://:${password}@127.0.0.1:${port}/0` };
    if (state !== 'port') break;
  }
  throw new RaeError('RAE_SERVICE_UNAVAILABLE', `Redis ${program.version.text} did not start: ${state}`, {
    hint: `its log is ${dir.file('redis.log')}`,
  });
}

const SOURCES = {
  path: 'of this machine',
  cache: 'from an earlier unpacking',
  packages: "from this system's packages, unpacked just now",
} as const;

/**
 * Starts a Redis of its own on a free port of 127.0.0.1; its data, where it keeps any, is in the place.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE`, `RAE_DATA_DIR_UNUSABLE`.
 */
export async function startRedis(request: StartRequest): Promise<StartedService> {
  const { dir, place, env, cache, say } = request;
  const program = await findRedis({ env, cache, say, identity: place.identity });
  const { running, port, url } = await startReady(request, program).catch((error: unknown) => {
    if (error instanceof RaeError) throw error;
    throw new RaeError(
      'RAE_DATA_DIR_UNUSABLE',
      `Redis cannot keep its data in ${redisFolder(place)}: ${messageOf(error)}`,
    );
  });
  void running.lost.then(() => request.say(`Redis has ended by itself: ${running.logTail()}`));
  return {
    via: program.via,
    version: program.version.text,
    url,
    says: `Redis ${program.version.text} ${SOURCES[program.via]} (${program.file}) on 127.0.0.1:${port}`,
    stop: async () => {
      await running.stop();
      rmSync(dir.file('redis.json'), { force: true });
    },
  };
}
