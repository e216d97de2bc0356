import type { Consumers } from '../../queues/consumers.ts';
import type { Call } from './call.ts';

/** Which processes have announced themselves; undefined where the fleet's Redis is not known or does not answer. */
export async function announcedConsumers(call: Call): Promise<Consumers | undefined> {
  // Loaded here, so that no other command waits for them.
  const [{ readConsumers }, { reachRedis, redisConnection }] = await Promise.all([
    import('../../queues/consumers.ts'),
    import('../redis/connection.ts'),
  ]);
  let url: string | undefined;
  try {
    url = call.address.redisUrl;
  } catch {
    return undefined;
  }
  if (url === undefined) return undefined;
  const redis = redisConnection(url, 'producer');
  try {
    await reachRedis(redis, url);
    return await readConsumers(redis);
  } catch {
    return undefined;
  } finally {
    redis.disconnect();
  }
}

/** `2 take shared,dedicated; 1 takes 0-3`. */
export function describeTakers(consumers: Consumers | undefined, worker: string): string {
  if (consumers === undefined) return 'not known';
  const own = consumers.takers.filter((one) => one.worker === worker);
  if (own.length === 0) return 'none';
  return own
    .map(({ processes, consumes }) => `${processes} ${processes === 1 ? 'takes' : 'take'} ${consumes.text}`)
    .join('; ');
}
