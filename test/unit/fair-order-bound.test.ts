import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairOrder } from '../../src/dispatch/fair-order.ts';
import { type Order, Simulation, type Watch } from '../support/simulation.ts';
import { BoundWatch } from '../support/simulation-bound.ts';
import { CountingOrder, FifoOrder, PlainOrder } from '../support/simulation-orders.ts';
import { simulate, tenantsOf, type Workload, workloads } from '../support/simulation-workload.ts';

const runsOf = ({ members }: Workload) => members.reduce((sum, { bursts, runs }) => sum + bursts * runs, 0);

function outcome(workload: Workload, order: Order) {
  const bound = new BoundWatch(tenantsOf(workload));
  const simulation = simulate(workload, order, [bound]).go();
  return { simulation, bound };
}

/** Of so many random workloads, how many the order fails. */
function failures(order: () => Order, numRuns: number): number {
  const failed = fc.sample(workloads, { numRuns, seed: 7 }).filter((workload) => {
    return outcome(workload, order()).bound.violations.length > 0;
  });
  return failed.length;
}

describe('however tenants come, go, burst, are capped and are estimated', () => {
  it('no tenant is passed over beyond the stated bound, no slot stays free, and every run is picked', () => {
    let nearest = 0;
    fc.assert(
      fc.property(workloads, (workload) => {
        const order = new FairOrder();
        const { simulation, bound } = outcome(workload, order);
        expect(bound.violations).toEqual([]);
        expect(simulation.idled).toBe(0);
        expect(simulation.picks).toBe(runsOf(workload));
        // Who has left and is settled takes no memory once nothing runs.
        expect([order.size, order.remembered]).toEqual([0, 0]);
        nearest = Math.max(nearest, bound.nearest);
      }),
      { numRuns: 3_000 },
    );
    // The bound is no wide one: some workload comes close to it.
    expect(nearest).toBeGreaterThan(0.99);
  });

  it('picks exactly as the rules do when they are followed one by one', () => {
    fc.assert(
      fc.property(workloads, (workload) => {
        const [picks, plainPicks]: [string[], string[]] = [[], []];
        simulate(workload, new FairOrder(), [{ picked: (tenant) => picks.push(tenant) }]).go(400);
        simulate(workload, new PlainOrder(), [{ picked: (tenant) => plainPicks.push(tenant) }]).go(400);
        expect(picks).toEqual(plainPicks);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a tenant that leaves and comes back', () => {
  const comers = fc.record({
    slots: fc.integer({ min: 1, max: 4 }),
    weight: fc.integer({ min: 1, max: 10 }),
    cost: fc.integer({ min: 5, max: 50 }),
    gapMs: fc.integer({ min: 0, max: 20 }),
    atOnce: fc.boolean(),
    parks: fc.boolean(),
  });
  type Comer = typeof comers extends fc.Arbitrary<infer C> ? C : never;

  /** It owes one run at a time and comes back when that was picked, or has ended, beside one that always has work. */
  function coming({ slots, weight, cost, gapMs, atOnce, parks }: Comer, order: Order): BoundWatch {
    const tenants = [
      { id: 'steady', weight: 3 },
      { id: 'comer', weight, ...(parks ? { cap: 1 } : {}) },
    ];
    const bound = new BoundWatch(tenants);
    const back = (tenant: string, nowMs: number) => {
      if (tenant === 'comer') simulation.arrive([{ atMs: nowMs + gapMs, tenant, costs: [cost] }]);
    };
    const coming: Watch = atOnce
      ? { picked: (tenant, _charged, nowMs) => back(tenant, nowMs) }
      : { settled: (tenant, _charged, _measured, nowMs) => back(tenant, nowMs) };
    const estimate = (_tenant: string, cost: number) => cost;
    const simulation = new Simulation({ order, slots, tenants, estimate, eager: true, watches: [bound, coming] });
    simulation.arrive([{ atMs: 0, tenant: 'steady', costs: Array.from({ length: 400 }, () => 2) }]);
    simulation.arrive([{ atMs: 1, tenant: 'comer', costs: [cost] }]).go(400);
    return bound;
  }

  it('gains nothing by it', () => {
    fc.assert(
      fc.property(comers, (comer) => {
        expect(coming(comer, new FairOrder()).violations).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('would gain in an order that forgets who leaves', () => {
    const gained = fc.sample(comers, { numRuns: 100, seed: 7 }).filter((comer) => {
      return coming(comer, new PlainOrder(true)).violations.length > 0;
    });
    expect(gained.length).toBeGreaterThan(20);
  });
});

describe('the check of the bound', () => {
  it.each([
    ['serves who came first', () => new FifoOrder()],
    ['counts runs instead of their time', () => new CountingOrder()],
  ])('refuses an order that %s', (_what, order) => {
    expect(failures(order, 200)).toBeGreaterThan(50);
  });
});
