import { describe, expect, it } from 'vitest';
import { Noise } from '../../src/dispatch/noise.ts';

describe('what was heard of tenants', () => {
  it('is summed up over as long as is asked for, and forgotten when nobody asks', () => {
    const noise = new Noise();
    noise.left('a', 5, 0);
    expect(noise.isKept).toBe(false);
    noise.keep(10_000, 60_000, 1_000);
    for (let second = 1; second <= 60; second += 1) noise.left(second <= 50 ? 'a' : 'b', 10, 1_000 * second);
    noise.failed('b', 3, 60_500);
    expect(noise.beganMs).toBe(1_000);
    expect([...noise.within(10_000, 61_000)]).toEqual([['b', { ms: 100, left: 10, failed: 3 }]]);
    expect(noise.within(60_000, 61_000).get('a')).toEqual({ ms: 500, left: 50, failed: 0 });
    noise.left('c', 1, 130_000);
    expect([...noise.within(60_000, 130_000).keys()]).toEqual(['c']);
    noise.keep(10_000, 60_000, 131_000);
    expect(noise.beganMs, 'the same was asked for').toBe(1_000);
    noise.forget();
    expect([...noise.within(60_000, 131_000)]).toEqual([]);
    expect(noise.isKept).toBe(false);
  });
});
