import { setTimeout as pause } from 'node:timers/promises';

/** What is waited for, in words, and for how long. */
export interface Wait {
  readonly what: string;
  /** Default: twenty seconds. A bound for what never comes, not a measure of how fast it must. */
  readonly withinMs?: number;
  /** Told in the error, so that a wait in vain explains itself. */
  readonly seen?: () => string;
}

/** Looks again and again until `look` gives something, and gives that. @throws when it does not come in time. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined, wait: Wait): Promise<T> {
  const { what, withinMs = 20_000, seen } = wait;
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new Error(`waited ${withinMs} ms in vain for ${what}${seen === undefined ? '' : `\n${seen()}`}`);
    }
    await pause(10);
  }
}
