import { RaeError } from '../../kernel/errors.ts';
import { admitRedis } from '../../redis/admission.ts';
import { reachRedis, redisConnection } from '../../redis/connection.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Is Redis there, may it evict, and does it outlive a crash? @throws RaeError `RAE_REDIS_UNREACHABLE` */
export async function checkRedis(url: string): Promise<readonly Finding[]> {
  const redis = redisConnection(url, 'producer');
  try {
    await reachRedis(redis, url);
    const persistence = await redis.info('persistence');
    const kept = /^aof_enabled:1/m.test(persistence)
      ? ok('redis persistence', 'an append-only file is kept')
      : warn(
          'redis persistence',
          'no append-only file: after a crash the queues are rebuilt from the ledger, which takes a moment; no work is lost',
          'appendonly yes',
        );
    return [...(await admission(redis)), kept];
  } finally {
    redis.disconnect();
  }
}

async function admission(redis: ReturnType<typeof redisConnection>): Promise<readonly Finding[]> {
  try {
    const { version, policyKnown } = await admitRedis(redis);
    const evicts = policyKnown
      ? ok('redis eviction', 'maxmemory-policy is noeviction')
      : warn(
          'redis eviction',
          'it does not say whether it may evict keys',
          'make sure that maxmemory-policy is noeviction',
        );
    return [ok('redis', version), evicts];
  } catch (error) {
    if (!(error instanceof RaeError)) throw error;
    return [fail('redis', error.message, error.hint ?? 'use Redis 6.2 or newer')];
  }
}
