import { messageOf, RaeError } from '../kernel/errors.ts';
import type { StartedService } from './service.ts';

const POSTGRES_IMAGE = 'postgres:18-alpine';
const REDIS_IMAGE = 'redis:8-alpine';

/**
 * Without a shell, unlike testcontainers' own: of one that is cut off on a busy machine the shell goes and its child stays,
 * to Postgres as process 1, which takes the end of a child it does not know for a crash and ends every session.
 */
const POSTGRES_HEALTH = {
  test: ['CMD', 'pg_isready', '--quiet', '--host', '127.0.0.1', '--username', 'postgres', '--dbname', 'rae'] as [
    'CMD',
    ...string[],
  ],
  interval: 500,
  timeout: 10_000,
  retries: 1_000,
};

async function inContainer<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new RaeError(
      'RAE_SERVICE_UNAVAILABLE',
      `a container for ${name} was asked for, and cannot be had: ${messageOf(error)}`,
      {
        hint: 'start Docker or Podman, or do without containers',
        cause: error,
      },
    );
  }
}

/** Stops a container; one that has gone meanwhile is what was wanted. */
function stopper(container: { stop(): Promise<unknown> }): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= container.stop().then(
      () => undefined,
      () => undefined,
    );
    return stopping;
  };
}

/**
 * A Postgres in a container, by testcontainers, whose reaper removes it when this process dies.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE`: testcontainers is not installed, no engine answers, or no image comes.
 */
export async function containerPostgres(): Promise<StartedService> {
  return await inContainer('Postgres', async () => {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
    const definition = new PostgreSqlContainer(POSTGRES_IMAGE)
      .withDatabase('rae')
      .withUsername('postgres')
      .withHealthCheck(POSTGRES_HEALTH);
    const container = await definition.withCommand(['postgres', '-c', 'max_connections=200', '-c', 'jit=off']).start();
    const name = `${container.getHost()}:${container.getPort()}`;
    return {
      via: 'container',
      url: container.getConnectionUri(),
      version: POSTGRES_IMAGE.replace(/^.*:/, ''),
      says: `Postgres in a container (${POSTGRES_IMAGE}) on ${name}`,
      stop: stopper(container),
    };
  });
}

/**
 * A Redis in a container, as above.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE`.
 */
export async function containerRedis(): Promise<StartedService> {
  return await inContainer('Redis', async () => {
    const { RedisContainer } = await import('@testcontainers/redis');
    const definition = new RedisContainer(REDIS_IMAGE);
    const container = await definition.withCommand(['redis-server', '--maxmemory-policy', 'noeviction']).start();
    return {
      via: 'container',
      url: container.getConnectionUrl(),
      version: REDIS_IMAGE.replace(/^.*:/, ''),
      says: `Redis in a container (${REDIS_IMAGE}) on ${container.getHost()}:${container.getPort()}`,
      stop: stopper(container),
    };
  });
}
