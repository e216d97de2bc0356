import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairOrder } from '../../src/dispatch/fair-order.ts';
import { type Order, Simulation, type Watch } from '../support/simulation.ts';
import { FifoOrder } from '../support/simulation-orders.ts';

const FLOOD = 100_000;

interface Flood {
  readonly flooders: number;
  readonly slots: number;
  readonly cost: number;
  /** Runs of the flood before the quiet tenant comes, about. */
  readonly after: number;
  /** The quiet tenant's own run. */
  readonly quiet: number;
}

/** How long the quiet tenant waited, how many were picked before it, and what bounds both. */
function wait({ flooders, slots, cost, after, quiet }: Flood, order: Order) {
  let waitedMs = Number.NaN;
  let before = -1;
  const seen: Watch = {
    picked: (tenant, _charged, nowMs) => {
      if (tenant !== 'quiet') return;
      waitedMs = nowMs - comesMs;
      before = simulation.picks - picked - 1;
    },
  };
  const floodersIds = Array.from({ length: flooders }, (_, place) => `flooder${place}`);
  const tenants = [...floodersIds, 'quiet'].map((id) => ({ id, weight: 1 }));
  const estimate = (_tenant: string, real: number) => real;
  const simulation = new Simulation({ order, slots, tenants, estimate, watches: [seen] });
  const each = Array.from({ length: FLOOD / flooders }, () => cost);
  simulation.arrive(floodersIds.map((tenant) => ({ atMs: 0, tenant, costs: each }))).go(after);
  const [comesMs, residualMs, picked] = [simulation.nowMs, simulation.residualMs, simulation.picks];
  simulation.arrive([{ atMs: comesMs, tenant: 'quiet', costs: [quiet] }]).go(FLOOD, () => before >= 0);
  return { waitedMs, before, residualMs, roundMs: Math.ceil(flooders / slots) * cost };
}

const floods = fc.record({
  flooders: fc.constantFrom(1, 10),
  slots: fc.integer({ min: 1, max: 50 }),
  cost: fc.constantFrom(1, 20, 1_000),
  after: fc.integer({ min: 100, max: 2_000 }),
  quiet: fc.constantFrom(1, 20, 1_000),
});

describe('a quiet tenant that comes in a flood of 100,000 runs', () => {
  it.each([1, 10])('by %i waits for what is running and one round at most', (flooders) => {
    fc.assert(
      fc.property(floods, (flood) => {
        const { waitedMs, before, residualMs, roundMs } = wait({ ...flood, flooders }, new FairOrder());
        expect(before).toBeGreaterThanOrEqual(0);
        expect(before).toBeLessThanOrEqual(flooders);
        expect(waitedMs).toBeLessThanOrEqual(residualMs + roundMs);
      }),
      { numRuns: 60 },
    );
  });

  it('would wait for all of the flood if who came first were served first', () => {
    const flood = { flooders: 1, slots: 50, cost: 20, after: 500, quiet: 20 };
    const { before } = wait(flood, new FifoOrder());
    expect(before).toBe(FLOOD - 500);
  });

  it('waits for two charges of the flood at most when that was expected to take far longer than it does', () => {
    const order = new FairOrder();
    order.add('flooder', 1);
    for (let run = 0; run < 100; run += 1) order.next(1_000);
    for (let run = 0; run < 100; run += 1) order.settle('flooder', 1_000, 1);
    order.add('quiet', 1);
    let charged = 0;
    while (order.peek() === 'flooder') {
      order.next(1);
      charged += 1;
    }
    expect(charged).toBeLessThanOrEqual(1_001);
  });
});
