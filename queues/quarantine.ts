import type { Redis } from 'ioredis';

/** The list in Redis that holds what was refused, newest first. */
export const QUARANTINE = 'rae:quarantine';
const MOST_ENTRIES = 1_000;
const MOST_CHARACTERS = 512;

/** Something of a queue that was refused. */
export interface Refused {
  /** In ms since 1970. */
  readonly at: number;
  readonly queue: string;
  readonly reason: string;
  /** What stood there; only its beginning is kept. */
  readonly data: string;
}

/** Puts what was refused aside, for people to look at: the newest 1,000, each cut to 512 characters. */
export async function putAside(redis: Redis, { at, queue, reason, data }: Refused): Promise<void> {
  const entry = JSON.stringify({ at, queue, reason, data: data.slice(0, MOST_CHARACTERS) });
  const push = () =>
    redis
      .multi()
      .lpush(QUARANTINE, entry)
      .ltrim(QUARANTINE, 0, MOST_ENTRIES - 1)
      .exec();
  const [pushed] = (await push()) ?? [];
  if (pushed?.[0] == null) return;
  // Something that is no list stands in its place: put there by hand, and nothing that anybody counts on.
  await redis.unlink(QUARANTINE);
  await push();
}
