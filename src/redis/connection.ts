import { Redis } from 'ioredis';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { redactUrl } from '../kernel/redact.ts';

export type { Redis } from 'ioredis';

/**
 * What a connection is for.
 * - producer: fails fast, so that a caller learns at once that nothing was added.
 * - consumer: waits through an outage for as long as it takes.
 * - subscriber: only listens.
 */
export type RedisRole = 'producer' | 'consumer' | 'subscriber';

/** How long Redis may owe an answer before its connection counts as lost; longer than a consumer's blocking wait. */
const SILENCE_MS = 15_000;

/** Told when a connection breaks or is back. */
export interface RedisWatch {
  readonly onDisconnect?: (role: RedisRole, message: string) => void;
  readonly onConnect?: (role: RedisRole) => void;
}

/**
 * A lazy connection for `role`; connects at first use, and again after a loss with at most 2 s between tries (the
 * library's own 20 s would leave a recovered Redis unused that long).
 */
export function redisConnection(url: string, role: RedisRole, watch: RedisWatch = {}): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: role === 'producer' ? 1 : null,
    enableOfflineQueue: role !== 'producer',
    enableReadyCheck: true,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    // A lost route leaves a connection that looks alive for a quarter of an hour.
    socketTimeout: SILENCE_MS,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2_000),
  });
  let lastMessage = 'the connection was closed';
  redis.on('error', (error) => {
    lastMessage = messageOf(error);
  });
  redis.on('close', () => watch.onDisconnect?.(role, lastMessage));
  redis.on('ready', () => watch.onConnect?.(role));
  return redis;
}

/** Connects and proves it with a PING, in the database that the URL names. @throws RaeError `RAE_REDIS_UNREACHABLE`, without the password. */
export async function reachRedis(redis: Redis, url: string): Promise<void> {
  let reason: unknown;
  const noted = (error: Error) => {
    reason = error;
  };
  redis.on('error', noted);
  try {
    if (redis.status === 'wait') await redis.connect();
    await redis.ping();
    // A database there is not leaves a connection on database 0, among the queues of whoever that belongs to.
    await redis.select(redis.options.db ?? 0);
  } catch (error) {
    redis.disconnect();
    throw new RaeError('RAE_REDIS_UNREACHABLE', `Redis at ${redactUrl(url)}: ${messageOf(reason ?? error)}`, {
      hint: 'check that it runs, the address and the password',
      cause: error,
    });
  } finally {
    redis.off('error', noted);
  }
}
