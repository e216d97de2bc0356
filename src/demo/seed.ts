import { createHash } from 'node:crypto';

/**
 * The id of a thing of the demo, the same on every machine, so that what is there already is found by it.
 * @param parts what names it: `tenant`, 12.
 */
export function seededId(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256')
    .update(`rae demo ${parts.join(' ')}`)
    .digest('hex');
  // Version 8: a uuid of one's own making.
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}

/** Numbers that look random and are always the same for the same two numbers. */
export class SeededRandom {
  #state: number;

  constructor(first: number, second = 0) {
    this.#state = Math.imul(first + 1, 0x9e3779b1) ^ Math.imul(second + 1, 0x85ebca77);
  }

  /** A number in [0, 1), evenly spread (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.next() * choices.length)] ?? choices[0];
  }
}
