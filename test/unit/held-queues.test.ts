import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldQueues } from '../../queues/held-queues.ts';

const OPTIONS = { limit: 3, idleMs: 100, turnMs: 10, restMs: 4, process: 'one' };
const named = (count: number, from = 0) => Array.from({ length: count }, (_none, index) => `q${from + index}`);
const sorted = (queues: readonly string[]) => [...queues].sort();

/** Decides at every ms from `from` on, so many times; gives the last decision. */
function decided(held: HeldQueues, busy: readonly string[], from: number, times: number): readonly string[] {
  for (let now = from; now < from + times; now += 1) held.decide(new Set(busy), now);
  return sorted(held.held);
}

interface Scenario {
  readonly limit: number;
  /** Queues that always have work. */
  readonly steady: number;
  /** Queues that mostly have. */
  readonly flighty: number;
  readonly seed: number;
}

describe('the queues that a process holds', () => {
  it('are those with work, first come, and no more than its limit', () => {
    const held = new HeldQueues(OPTIONS);
    expect(decided(held, ['a', 'b'], 0, 1)).toEqual(['a', 'b']);
    expect(decided(held, ['a', 'b', 'c', 'd'], 5, 1)).toHaveLength(3);
    expect(held.held).toEqual(expect.arrayContaining(['a', 'b']));
    expect(held.waiting).toBe(1);
  });

  it('are kept while they have work, and for a while after it', () => {
    const held = new HeldQueues(OPTIONS);
    expect(decided(held, ['a', 'b'], 0, 1_000)).toEqual(['a', 'b']);
    expect(decided(held, ['a'], 1_000, 99)).toEqual(['a', 'b']);
    expect(decided(held, ['a'], 1_099, 1)).toEqual(['a']);
  });

  it('go at once when they have no work and others wait', () => {
    const held = new HeldQueues(OPTIONS);
    decided(held, ['a', 'b', 'c'], 0, 5);
    expect(decided(held, ['b', 'c', 'd'], 5, 2)).toEqual(['b', 'c', 'd']);
  });

  it('go when nothing waits in them any more and others wait, and come back when they get work or after a rest', () => {
    const held = new HeldQueues({ ...OPTIONS, limit: 1, turnMs: 1_000 });
    const both = ['a', 'b'];
    const [first = ''] = decided(held, both, 0, 1);
    const [second = ''] = both.filter((queue) => queue !== first);
    expect(held.emptied(second, 0), 'it is not held').toBe(false);
    expect(held.emptied(first, 0)).toBe(true);
    expect(decided(held, both, 1, 1)).toEqual([second]);
    expect(held.waiting, 'nobody makes it go').toBe(0);
    expect(held.emptied(second, 1)).toBe(false);
    held.filled(first);
    expect(decided(held, both, 2, 2)).toEqual([first]);
    expect(held.waiting).toBe(0);
    held.decide(new Set(both), 6);
    expect(held.waiting, 'it has rested').toBe(1);
  });

  it('go when others come to wait after nothing waited in them any more', () => {
    const held = new HeldQueues({ ...OPTIONS, limit: 1, turnMs: 1_000 });
    decided(held, ['a'], 0, 1);
    expect(held.emptied('a', 0)).toBe(false);
    expect(decided(held, ['a', 'b'], 1, 2)).toEqual(['b']);
    expect(held.waiting, 'a rests').toBe(0);
    const busy = new HeldQueues({ ...OPTIONS, limit: 1, turnMs: 1_000 });
    decided(busy, ['a'], 0, 1);
    busy.emptied('a', 0);
    busy.filled('a');
    expect(decided(busy, ['a', 'b'], 1, 2)).toEqual(['a']);
  });

  it('are also those that rest, where there is room for them', () => {
    const held = new HeldQueues({ ...OPTIONS, limit: 1 });
    const [first = ''] = decided(held, ['a', 'b'], 0, 1);
    held.emptied(first, 0);
    expect(held.decide(new Set([first]), 1)).toEqual([first]);
  });

  it('leave a place alone that one let go earlier still takes', () => {
    const held = new HeldQueues(OPTIONS);
    const busy = new Set(['a', 'b', 'c']);
    expect(held.decide(busy, 0, 2)).toHaveLength(1);
    expect(held.decide(busy, 50, 2), 'nobody goes for those who will have these places').toHaveLength(1);
    expect(held.decide(busy, 51)).toHaveLength(3);
  });

  it('differ from process to process where not all can be held', () => {
    const queues = named(60);
    const holders = named(8, 100).map((process) => {
      const held = new HeldQueues({ ...OPTIONS, limit: 30, process });
      return held.decide(new Set(queues), 0);
    });
    for (const held of holders) expect(held).toHaveLength(30);
    expect(new Set(holders.flat()).size, 'together they hold nearly all at once').toBeGreaterThan(54);
  });

  it('give every queue that has work its turn within a stated bound, and never pass their limit', () => {
    const scenarios = fc.record({
      limit: fc.integer({ min: 1, max: 5 }),
      steady: fc.integer({ min: 1, max: 15 }),
      flighty: fc.integer({ min: 0, max: 10 }),
      seed: fc.integer(),
    });
    const longestWait = ({ limit, steady, flighty, seed }: Scenario) => {
      const held = new HeldQueues({ ...OPTIONS, limit, process: String(seed) });
      const chances = fc.sample(fc.infiniteStream(fc.nat(999)), { numRuns: 1, seed })[0];
      const isSo = (of1000: number) => (chances?.next().value ?? 0) < of1000;
      const waits = new Map<string, number>();
      let longest = 0;
      for (let now = 0; now < 400; now += 1) {
        const others = named(flighty, 100).filter(() => isSo(700));
        for (const queue of held.held.filter(() => isSo(50))) held.emptied(queue, now);
        const holding = new Set(held.decide(new Set([...named(steady), ...others]), now));
        if (holding.size > limit) throw new Error(`${holding.size} are held, the limit is ${limit}`);
        for (const queue of named(steady)) {
          waits.set(queue, holding.has(queue) ? 0 : (waits.get(queue) ?? 0) + 1);
          longest = Math.max(longest, waits.get(queue) ?? 0);
        }
      }
      return longest;
    };
    const isBounded = (scenario: Scenario) => {
      const { limit, steady, flighty } = scenario;
      // A place that is let go stays free until the next decision, which comes every ms here; who rests is not waited for.
      const turns = Math.ceil((steady + flighty) / limit) + 1;
      expect(longestWait(scenario)).toBeLessThanOrEqual(turns * (OPTIONS.turnMs + 2) + OPTIONS.restMs);
    };
    fc.assert(fc.property(scenarios, isBounded), { numRuns: 100 });
    const crowded = longestWait({ limit: 1, steady: 9, flighty: 0, seed: 1 });
    expect(crowded, 'the limit bites').toBeGreaterThan(3 * OPTIONS.turnMs);
  });
});
