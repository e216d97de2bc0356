import { Redis } from 'ioredis';
import { announceConsumer } from '../../queues/consumers.ts';

/**
 * Announces a process that takes decay's tickets and is not there, so that a dispatcher admits for it until `forMs` are
 * over: as if it had died a moment ago.
 */
export async function announceAbsent(redisUrl: string, forMs: number, consumes?: string): Promise<void> {
  const redis = new Redis(redisUrl, { lazyConnect: true });
  await redis.connect();
  try {
    const absent = { id: 'absent', workers: ['decay'], slots: 100, steps: 100, queues: [] };
    await announceConsumer(redis, consumes === undefined ? absent : { ...absent, consumes }, forMs);
  } finally {
    redis.disconnect();
  }
}
