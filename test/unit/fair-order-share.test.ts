import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { FairOrder } from '../../src/dispatch/fair-order.ts';
import { Random } from '../support/random.ts';
import { type Order, Simulation, type Watch } from '../support/simulation.ts';
import { CountingOrder, FifoOrder } from '../support/simulation-orders.ts';

type Cost = (random: Random) => number;

const SLOTS = 16;
const LONGEST_MS = 80;

interface Case {
  readonly weights: readonly number[];
  readonly costs: readonly Cost[];
  readonly slots?: number;
  readonly declared?: number;
  readonly seed?: number;
}

const always =
  (ms: number): Cost =>
  () =>
    ms;
const about =
  (ms: number): Cost =>
  (random) =>
    ms * random.between(0.05, 1.95);

/** Worst difference of a tenant's time to its share by weight when all always have work: in points, and in ms. */
function shareError(
  { weights, costs, slots = SLOTS, declared = 20, seed = 1 }: Case,
  dispatches: number,
  order: Order,
) {
  const random = new Random(seed);
  const book = new CostBook(() => declared);
  const tenants = weights.map((weight, place) => ({ id: `t${place}`, weight }));
  const learning: Watch = { settled: (tenant, _charged, measured) => book.measured(tenant, 'decay', measured) };
  const estimate = (tenant: string) => book.estimate(tenant, 'decay');
  const simulation = new Simulation({ order, slots, tenants, estimate, watches: [learning] }).arrive(
    tenants.map(({ id }, place) => {
      const cost = costs[place] ?? always(1);
      return { atMs: 0, tenant: id, costs: Array.from({ length: dispatches }, () => cost(random)) };
    }),
  );
  simulation.go(dispatches);
  const whole = [...simulation.work.values()].reduce((sum, ms) => sum + ms, 0);
  const heavy = weights.reduce((sum, weight) => sum + weight, 0);
  const errors = tenants.map(({ id, weight }) => Math.abs((simulation.work.get(id) ?? 0) - (whole * weight) / heavy));
  const ms = Math.max(...errors);
  return { ms, points: (100 * ms) / whole };
}

const equal = [always(20), always(20), always(20)];
const unequal = [always(40), always(10), always(10)];

describe('tenants that always have work', () => {
  it.each<[string, Case]>([
    ['runs cost the same', { weights: [3, 2, 1], costs: equal }],
    ['runs cost 4:1:1', { weights: [3, 2, 1], costs: unequal }],
    ['runs cost 1:1:4', { weights: [3, 2, 1], costs: [...unequal].reverse() }],
    ['runs are expected to take ten times as long', { weights: [3, 2, 1], costs: unequal, declared: 200 }],
    ['runs are expected to take no time', { weights: [3, 2, 1], costs: unequal, declared: 0 }],
    ['there is one slot', { weights: [3, 2, 1], costs: unequal, slots: 1 }],
    ['there are fifty slots', { weights: [3, 2, 1], costs: unequal, slots: 50 }],
    ['no run takes as long as another', { weights: [3, 2, 1], costs: [about(20), about(20), about(20)] }],
  ])('get the time that their weights say within 1.5 points of 3,000 dispatches when %s', (what, shared) => {
    const { points } = shareError(shared, 3_000, new FairOrder());
    process.stdout.write(`share error ${points.toFixed(2)} points: ${what}\n`);
    expect(points).toBeLessThanOrEqual(1.5);
  });

  const cases = fc.record({
    weights: fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 6 }),
    means: fc.array(fc.integer({ min: 1, max: LONGEST_MS / 2 }), { minLength: 6, maxLength: 6 }),
    seed: fc.nat(),
    declared: fc.integer({ min: 0, max: LONGEST_MS }),
  });

  it('are nearer to their shares the longer it goes on', () => {
    fc.assert(
      fc.property(cases, ({ means, ...shared }) => {
        const random = { ...shared, costs: means.map(about) };
        // What is wrong in ms does not grow with time: it is within what was running on wrong estimates at once.
        for (const dispatches of [200, 2_000, 20_000])
          expect(shareError(random, dispatches, new FairOrder()).ms).toBeLessThanOrEqual((SLOTS + 2) * LONGEST_MS);
      }),
      { numRuns: 60 },
    );
  });

  it('lose by a takeover at most what one charge each put them ahead', () => {
    const takeovers = fc.record({
      weights: fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 12 }),
      costs: fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 12, maxLength: 12 }),
      slots: fc.integer({ min: 1, max: 20 }),
      before: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(takeovers, ({ weights, costs, slots, before }) => {
        const tenants = weights.map((weight, place) => ({ id: `t${place}`, weight }));
        const estimate = (_tenant: string, cost: number) => cost;
        const simulation = new Simulation({ order: new FairOrder(), slots, tenants, estimate });
        const owed = (place: number) => Array.from({ length: 400 }, () => costs[place] ?? 1);
        simulation.arrive(tenants.map(({ id }, place) => ({ atMs: 0, tenant: id, costs: owed(place) })));
        simulation.go(before);
        simulation.takeOver(new FairOrder()).go(200);
        const charge = (place: number) => (costs[place] ?? 1) / (weights[place] ?? 1);
        const got = (place: number) => (simulation.work.get(`t${place}`) ?? 0) / (weights[place] ?? 1);
        for (const [i] of tenants.entries())
          for (const [j] of tenants.entries()) {
            // One charge each as there would be without a takeover, and once more for it.
            expect(got(j) - got(i)).toBeLessThanOrEqual(2 * (charge(i) + charge(j)) + 1e-6);
          }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['serves who came first', new FifoOrder(), equal],
    ['counts runs instead of their time', new CountingOrder(), unequal],
  ])('would not get it from an order that %s', (_what, order, costs) => {
    expect(shareError({ weights: [3, 2, 1], costs }, 3_000, order).points).toBeGreaterThan(10);
  });
});
