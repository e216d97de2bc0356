import type { Redis } from 'ioredis';

const PING_MS = 5_000;

/**
 * Hears what is published on a channel, on a subscriber connection, until the returned function is called.
 * @param heard told of each message. What it throws is ignored: anyone with access to Redis can publish, and a
 *   message of another form must not stop who hears it.
 */
export async function hearChannel(
  redis: Redis,
  channel: string,
  heard: (message: string) => void,
): Promise<() => Promise<void>> {
  const onMessage = (where: string, message: string) => {
    if (where !== channel) return;
    try {
      heard(message);
    } catch {
      // See above.
    }
  };
  redis.on('message', onMessage);
  await redis.subscribe(channel);
  // A connection that only listens is never owed an answer, and so would not notice that its route was lost.
  const ping = setInterval(() => redis.ping().catch(() => undefined), PING_MS);
  return async () => {
    clearInterval(ping);
    redis.off('message', onMessage);
    // Nobody waits for that: with Redis away it would be for as long as that lasts.
    redis.unsubscribe(channel).catch(() => undefined);
  };
}
