import { existsSync } from 'node:fs';
import { RaeError } from '../kernel/errors.ts';
import { cacheDir } from './cache-dir.ts';
import { containerPostgres, containerRedis } from './containers.ts';
import { type DataDir, takeDataDir, unusable } from './data-dir.ts';
import { DISPOSABLE, eraseData, settlePurpose } from './disposal.ts';
import { givenPostgres, givenRedis } from './given.ts';
import { endLeftovers } from './leftovers.ts';
import { choosePlace } from './place.ts';
import { startPostgres } from './postgres-server.ts';
import { startRedis } from './redis-server.ts';
import type { Env, Purpose, Service, StartedService } from './service.ts';

export type { Service, ServiceVia } from './service.ts';

/** Postgres and Redis, answering. */
export interface Services {
  readonly postgres: Service;
  readonly redis: Service;
  /** Ends what was started here, and for a test removes its data. Idempotent; bounded; leaves no process. */
  stop(): Promise<void>;
}

/** What is wanted. */
export interface ServicesRequest {
  /** Where data, logs, passwords and the claim of the owner live; made where it is missing. */
  readonly dataDir: string;
  /** `keep`: survives a crash and the next start finds it. `test`: nothing is flushed, all is removed at the end. */
  readonly purpose: Purpose;
  /** Given services: used, or a clear error; never is anything else used silently instead. */
  readonly postgresUrl?: string;
  readonly redisUrl?: string;
  /** Start what is not given in containers, by testcontainers. */
  readonly containers?: boolean;
  /** Where unpacked programs are kept. Default: rae-fleet in the user's or the machine's cache. */
  readonly cacheDir?: string;
  /** PATH, HOME, XDG_CACHE_HOME and the proxies' names are read of it. */
  readonly env?: Env;
  /** Gets the lines for people: which way each service was had, and what takes long. */
  readonly say: (line: string) => void;
}

/** Where what this process started is noted until both have come up or one has failed. */
type Started = { readonly [name in 'postgres' | 'redis']: Promise<Service | StartedService> };

async function startOwn(request: ServicesRequest, dir: DataDir): Promise<Started> {
  const { purpose, say, env = {}, postgresUrl, redisUrl } = request;
  await endLeftovers(dir, say);
  settlePurpose(dir, purpose);
  const place = await choosePlace(dir);
  let cache: Promise<string> | undefined;
  const own = {
    dir,
    place,
    purpose,
    env,
    say,
    cache: () => {
      cache ??= cacheDir(request.cacheDir, env, place.identity);
      return cache;
    },
  };
  return {
    postgres: postgresUrl === undefined ? startPostgres(own) : givenPostgres(postgresUrl),
    redis: redisUrl === undefined ? startRedis(own) : givenRedis(redisUrl),
  };
}

function withoutOwn({ postgresUrl, redisUrl }: ServicesRequest): Started {
  return {
    postgres: postgresUrl === undefined ? containerPostgres() : givenPostgres(postgresUrl),
    redis: redisUrl === undefined ? containerRedis() : givenRedis(redisUrl),
  };
}

/** Both, or the first error after whatever did come up has been ended again. */
async function both(started: Started): Promise<readonly [Service | StartedService, Service | StartedService]> {
  const [postgres, redis] = await Promise.allSettled([started.postgres, started.redis]);
  if (postgres.status === 'fulfilled' && redis.status === 'fulfilled') return [postgres.value, redis.value];
  await stopAll([postgres, redis].flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])));
  throw postgres.status === 'rejected' ? postgres.reason : redis.status === 'rejected' ? redis.reason : undefined;
}

async function stopAll(services: readonly (Service | StartedService)[]): Promise<void> {
  await Promise.all(services.map((service) => ('stop' in service ? service.stop() : undefined)));
}

/**
 * Finds or starts Postgres and Redis, each by the first way that works: the given URL; a container when asked; a server
 * of our own, on a free port of 127.0.0.1 with a random password. docs/services.md has the order in full. Whatever is
 * started ends with this process, however that ends, and does not keep it alive.
 * @throws RaeError with nothing left running: `RAE_DATABASE_UNREACHABLE`, `RAE_REDIS_UNREACHABLE` (a given one),
 *   `RAE_SERVICE_UNAVAILABLE` (no way works; every one is named), `RAE_DATA_DIR_UNUSABLE`.
 */
export async function resolveServices(request: ServicesRequest): Promise<Services> {
  const { postgresUrl, redisUrl, containers = false, purpose, say } = request;
  const isOwn = !containers && (postgresUrl === undefined || redisUrl === undefined);
  const dir = isOwn ? takeDataDir(request.dataDir) : undefined;
  const leave = (): void => {
    if (dir !== undefined && purpose === 'test' && existsSync(dir.file(DISPOSABLE))) eraseData(dir);
    dir?.release();
  };
  try {
    const started = dir === undefined ? withoutOwn(request) : await startOwn(request, dir);
    const [postgres, redis] = await both(started);
    say(postgres.says);
    say(redis.says);
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= stopAll([postgres, redis]).then(leave);
      return stopping;
    };
    return { postgres, redis, stop };
  } catch (error) {
    leave();
    throw error instanceof RaeError || dir === undefined ? error : unusable(dir.path, error);
  }
}

/**
 * Removes all that earlier starts kept for this data directory, wherever it lies; for `--fresh`. Servers that a killed
 * fleet left running are ended first.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE` when a live fleet has it.
 */
export async function eraseServices(dataDir: string, say: (line: string) => void): Promise<void> {
  const dir = takeDataDir(dataDir);
  try {
    await endLeftovers(dir, say);
    eraseData(dir);
  } finally {
    dir.release();
  }
}
