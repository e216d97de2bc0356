import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../kernel/clock.ts';

/** How long is waited between two looks, in milliseconds. */
const EVERY_MS = 20;

/**
 * Looks again and again until `look` gives something, and gives that; undefined when `withinMs` have passed.
 * Looks at least once. What `look` throws ends the wait.
 */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  withinMs: number,
): Promise<T | undefined> {
  const deadline = systemClock.monotonicMs() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || systemClock.monotonicMs() >= deadline) return found;
    await pause(EVERY_MS);
  }
}

/** What `work` gives, or undefined when it takes longer than `withinMs`; the timer is gone afterwards. */
export async function within<T>(work: Promise<T>, withinMs: number): Promise<T | undefined> {
  const cancel = new AbortController();
  try {
    return await Promise.race([work, pause(withinMs, undefined, { signal: cancel.signal })]);
  } finally {
    cancel.abort();
  }
}
