import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEAST_COST_MS } from '../../src/dispatch/charge.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { FairOrder } from '../../src/dispatch/fair-order.ts';
import { Simulation, type Watch } from '../support/simulation.ts';
import { BoundWatch } from '../support/simulation-bound.ts';

interface Member {
  readonly weight: number;
  readonly runs: readonly { readonly ms: number; readonly priority: number }[];
}

/** Tenants 2..8, of which each asks for up to 30 runs of 1..400 ms with any priorities; `ms` = all take so long. */
function members(ms?: number): fc.Arbitrary<readonly Member[]> {
  const takes = ms === undefined ? fc.integer({ min: 1, max: 400 }) : fc.constant(ms);
  const run = fc.record({ ms: takes, priority: fc.integer({ min: 0, max: 9 }) });
  const member = fc.record({
    weight: fc.integer({ min: 1, max: 5 }),
    runs: fc.array(run, { minLength: 1, maxLength: 30 }),
  });
  return fc.array(member, { minLength: 2, maxLength: 8 });
}

/** Runs all of it; gives who was picked, in order, and whether anybody was passed over beyond the bound. */
function served(of: readonly Member[], slots: number) {
  const ids = of.map(({ weight }, nth) => ({ id: `t${nth}`, weight }));
  const book = new CostBook(() => 100);
  const bound = new BoundWatch(ids);
  const picks: string[] = [];
  const learning: Watch = {
    picked: (tenant) => picks.push(tenant),
    settled: (tenant, _charged, measured) => book.measured(tenant, tenant, measured),
  };
  // As in dispatch: a tenant is picked, and charged, before it is known which of its runs goes.
  const estimate = (tenant: string) => Math.max(LEAST_COST_MS, book.estimate(tenant, tenant));
  new Simulation({ order: new FairOrder(), slots, tenants: ids, estimate, watches: [bound, learning] })
    .arrive(of.map(({ runs }, nth) => ({ atMs: 0, tenant: `t${nth}`, costs: runs.map(({ ms }) => ms) })))
    .go();
  return { picks, violations: bound.violations };
}

/** The same, with the runs of the first tenant in the order of their priorities. */
function ordered([first, ...others]: readonly Member[]): readonly Member[] {
  if (first === undefined) return [];
  return [{ ...first, runs: [...first.runs].sort((a, b) => b.priority - a.priority) }, ...others];
}

const slots = fc.integer({ min: 1, max: 8 });

it("a tenant's own priorities make nobody else wait beyond the bound that holds without them", () => {
  fc.assert(
    fc.property(members(), slots, (of, places) => {
      expect(served(of, places).violations).toEqual([]);
      expect(served(ordered(of), places).violations).toEqual([]);
    }),
    { numRuns: 500, seed: 11 },
  );
});

it('and change no pick at all where its runs take equally long', () => {
  fc.assert(
    fc.property(members(20), slots, (of, places) => {
      expect(served(ordered(of), places).picks).toEqual(served(of, places).picks);
    }),
    { numRuns: 200, seed: 12 },
  );
});
