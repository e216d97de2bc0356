/** How long to wait before the next try: doubles from `baseMs` up to `capMs`, then spread by jitter. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Milliseconds before try number `failures + 1`: uniformly between half and all of min(cap, base · 2^(failures − 1)).
 * The lower half is kept so that a retry never comes at once; the upper half spreads tenants that failed together.
 * @param failures how often it has failed so far, from 1.
 * @param random a number in [0, 1); injected so that tests are exact.
 */
export function backoffMs({ baseMs, capMs }: Backoff, failures: number, random: number): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
