import type { Redis } from 'ioredis';
import { RaeError } from '../kernel/errors.ts';
import { reachRedis, redisConnection } from './connection.ts';

/** What was found about a Redis that may be used. */
export interface RedisAdmission {
  readonly version: string;
  /** False when neither CONFIG nor INFO says whether keys may be evicted. */
  readonly policyKnown: boolean;
}

/**
 * Checks that this Redis can hold queues.
 * @throws RaeError `RAE_REDIS_REFUSED` for a Redis older than 6.2, or one that may evict keys: an evicted lock or job
 *   would look like lost work until the ledger notices.
 */
export async function admitRedis(redis: Redis): Promise<RedisAdmission> {
  const info = await redis.info();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const version = field('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    throw new RaeError('RAE_REDIS_REFUSED', `Redis ${version} is too old; 6.2 or newer is needed`);
  }
  const policy = field('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw new RaeError('RAE_REDIS_REFUSED', `Redis may evict keys: maxmemory-policy is ${policy}`, {
      hint: 'set it with: redis-cli config set maxmemory-policy noeviction',
    });
  }
  return { version, policyKnown: policy !== undefined };
}

/** Reaches the Redis at `url`, admits it, and lets go of it. @throws RaeError `RAE_REDIS_UNREACHABLE`, `RAE_REDIS_REFUSED` */
export async function tryRedis(url: string): Promise<RedisAdmission> {
  const redis = redisConnection(url, 'producer');
  try {
    await reachRedis(redis, url);
    return await admitRedis(redis);
  } finally {
    redis.disconnect();
  }
}
