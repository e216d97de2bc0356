import type { Redis } from 'ioredis';
import { z } from 'zod';

/** A worker process as it announces itself. */
export interface ConsumerAnnouncement {
  readonly id: string;
  readonly workers: readonly string[];
  /** Runs (or tickets of statements) it works on at once. */
  readonly slots: number;
}

const KEY = 'rae:consumers';
const announced = z.object({ workers: z.array(z.string()), slots: z.int().min(1), until: z.number() });

/** Says that a process takes tickets until `untilMs` (since 1970). Said again before that, and withdrawn when it drains. */
export async function announceConsumer(redis: Redis, consumer: ConsumerAnnouncement, untilMs: number): Promise<void> {
  const { id, workers, slots } = consumer;
  await redis.hset(KEY, id, JSON.stringify({ workers, slots, until: untilMs }));
}

/** Takes an announcement back. */
export async function withdrawConsumer(redis: Redis, id: string): Promise<void> {
  await redis.hdel(KEY, id);
}

/** Slots per worker over all processes that have announced themselves; what has lapsed is forgotten. */
export async function readSlots(redis: Redis, nowMs: number): Promise<ReadonlyMap<string, number>> {
  const slots = new Map<string, number>();
  const lapsed: string[] = [];
  for (const [id, text] of Object.entries(await redis.hgetall(KEY))) {
    const parsed = announced.safeParse(parseOrNull(text));
    if (!parsed.success || parsed.data.until < nowMs) {
      lapsed.push(id);
      continue;
    }
    for (const worker of parsed.data.workers) slots.set(worker, (slots.get(worker) ?? 0) + parsed.data.slots);
  }
  if (lapsed.length > 0) await redis.hdel(KEY, ...lapsed);
  return slots;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
