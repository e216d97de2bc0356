import fc from 'fast-check';
import { LEAST_COST_MS } from '../../src/dispatch/charge.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { Random } from './random.ts';
import { type Arrival, type Order, type SimulatedTenant, Simulation, type Watch } from './simulation.ts';

/** A random workload: who, how heavy, how wrongly estimated, when and how much. */
export interface Workload {
  readonly seed: number;
  readonly slots: number;
  readonly eager: boolean;
  readonly lending: boolean;
  /** Every run is charged what it will take. */
  readonly exact: boolean;
  readonly members: readonly {
    readonly weight: number;
    /** Hundredths of a decade above 0.1 ms. */
    readonly decades: number;
    /** First estimate over mean cost, in decades. */
    readonly wrong: number;
    readonly cap: number | undefined;
    readonly bursts: number;
    readonly runs: number;
  }[];
}

/** Tenants 2..60, weights 1..10, costs 0.1..1000 ms, first estimates up to a hundred times wrong, bursts, caps. */
export const workloads: fc.Arbitrary<Workload> = fc.record({
  seed: fc.nat(),
  slots: fc.integer({ min: 1, max: 24 }),
  eager: fc.boolean(),
  lending: fc.boolean(),
  exact: fc.boolean(),
  members: fc.array(
    fc.record({
      weight: fc.integer({ min: 1, max: 10 }),
      decades: fc.integer({ min: 0, max: 400 }),
      wrong: fc.integer({ min: -2, max: 2 }),
      cap: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 2 }),
      bursts: fc.integer({ min: 1, max: 5 }),
      runs: fc.integer({ min: 1, max: 24 }),
    }),
    { minLength: 2, maxLength: 60 },
  ),
});

/** The tenants of a workload. */
export function tenantsOf(workload: Workload): readonly SimulatedTenant[] {
  return workload.members.map(({ weight, cap }, place) => ({ id: `t${place}`, weight, ...(cap ? { cap } : {}) }));
}

/** A simulation of the workload, over an order. Half of the bursts come at once, the others while there is work. */
export function simulate(workload: Workload, order: Order, watches: readonly Watch[]): Simulation {
  const random = new Random(workload.seed);
  const mean = workload.members.map(({ decades }) => 0.1 * 10 ** (decades / 100));
  const arrivals: Arrival[] = [];
  const all = workload.members.reduce((sum, { bursts, runs }, place) => sum + bursts * runs * (mean[place] ?? 0), 0);
  for (const [place, { bursts, runs }] of workload.members.entries()) {
    for (let burst = 0; burst < bursts; burst += 1) {
      const atMs = random.next() < 0.5 ? 0 : random.between(0, all / workload.slots);
      const cost = () => Math.min(1_000, Math.max(0.1, (mean[place] ?? 1) * random.between(0.1, 1.9)));
      arrivals.push({ atMs, tenant: `t${place}`, costs: Array.from({ length: runs }, cost) });
    }
  }
  const declared = (id: string) => {
    const place = Number(id.slice(1));
    return (mean[place] ?? 1) * 10 ** (workload.members[place]?.wrong ?? 0);
  };
  const book = new CostBook(declared);
  const learning: Watch = { settled: (tenant, _charged, measured) => book.measured(tenant, tenant, measured) };
  return new Simulation({
    order,
    slots: workload.slots,
    eager: workload.eager,
    lending: workload.lending,
    tenants: tenantsOf(workload),
    estimate: (tenant, cost) => (workload.exact ? cost : Math.max(LEAST_COST_MS, book.estimate(tenant, tenant))),
    watches: [...watches, learning],
  }).arrive(arrivals);
}
