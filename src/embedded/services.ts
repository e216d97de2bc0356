import { RaeError } from '../kernel/errors.ts';
import { cacheDir } from './cache-dir.ts';
import { containerPostgres, containerRedis } from './containers.ts';
import { type DataDir, takeDataDir, unusable } from './data-dir.ts';
import { eraseData, eraseIfDisposable, settlePurpose } from './disposal.ts';
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

/** Where each of the two comes from; called once both are settled. */
interface Sources {
  readonly postgres: () => Promise<Service | StartedService>;
  readonly redis: () => Promise<Service | StartedService>;
}

async function ownServers(request: ServicesRequest, dir: DataDir): Promise<Sources> {
  const { purpose, say, env = {} } = request;
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
  return { postgres: () => startPostgres(own), redis: () => startRedis(own) };
}

/** The services that were given. Asked first: where one does not answer, nothing is started or made. */
async function given({ postgresUrl, redisUrl }: ServicesRequest): Promise<Partial<Sources>> {
  const postgres = postgresUrl === undefined ? undefined : await givenPostgres(postgresUrl);
  const redis = redisUrl === undefined ? undefined : await givenRedis(redisUrl);
  return { ...(postgres && { postgres: async () => postgres }), ...(redis && { redis: async () => redis }) };
}

/** Both, or the first error after whatever did come up has been ended again. */
async function both(sources: Sources): Promise<readonly [Service | StartedService, Service | StartedService]> {
  const [postgres, redis] = await Promise.allSettled([sources.postgres(), sources.redis()]);
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
  const { containers = false, purpose, say } = request;
  const asGiven = await given(request);
  const isOwn = !containers && (asGiven.postgres === undefined || asGiven.redis === undefined);
  // Also where nothing is started: what else is kept there is one fleet's.
  const dir = isOwn || purpose === 'keep' ? takeDataDir(request.dataDir) : undefined;
  try {
    const others =
      isOwn && dir ? await ownServers(request, dir) : { postgres: containerPostgres, redis: containerRedis };
    const services = await both({ ...others, ...asGiven });
    const [postgres, redis] = services;
    for (const { says } of services) say(says);
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      await stopAll(services);
      if (dir !== undefined && purpose === 'test') eraseData(dir);
      dir?.release();
    };
    return {
      postgres,
      redis,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    if (dir === undefined) throw error;
    eraseIfDisposable(dir);
    dir.release();
    throw error instanceof RaeError ? error : unusable(dir.path, error);
  }
}
