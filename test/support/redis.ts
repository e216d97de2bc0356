import { Redis } from 'ioredis';
import { afterAll, beforeAll, inject } from 'vitest';
import { eventually } from './eventually.ts';

/** Clients of the logical database `index` but the one that asks, as Redis lists them. */
async function clientsOf(redis: Redis, index: number): Promise<string[]> {
  const own = await redis.client('ID');
  const listed = String(await redis.client('LIST'))
    .trim()
    .split('\n');
  return listed.filter((line) => new RegExp(`\\bdb=${index}\\b`).test(line) && !line.startsWith(`id=${own} `));
}

/**
 * An empty logical database of Redis for all tests of the file: each of vitest's processes has its own. Emptied again
 * after them, with a check that no connection was leaked.
 */
export function useRedis(): () => string {
  const index = (Number(process.env.VITEST_POOL_ID ?? 0) % 15) + 1;
  const url = (): string => {
    const at = new URL(inject('services').redisUrl);
    at.pathname = `/${index}`;
    return at.href;
  };
  const emptied = async (check: (redis: Redis) => Promise<void>): Promise<void> => {
    const redis = new Redis(url(), { lazyConnect: true });
    await redis.connect();
    try {
      await check(redis);
    } finally {
      await redis.flushdb();
      redis.disconnect();
    }
  };
  beforeAll(() => emptied(async () => undefined));
  afterAll(() =>
    emptied(async (redis) => {
      const isAlone = async () => ((await clientsOf(redis, index)).length === 0 ? true : undefined);
      await eventually(isAlone, { what: 'every connection to Redis to be closed' });
    }),
  );
  return url;
}
