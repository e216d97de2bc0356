import { describe, expect, it } from 'vitest';
import { replicasWanted } from '../../src/dispatch/scaling.ts';
import { byDepth, byWork, PLACES, type ScaledTenant, scaledFleet } from '../support/scaled-fleet.ts';

const TARGET = 60;
/** The longest time per run, in seconds, at which a rule of raw depth holds the target where nothing is held: found by trying. */
const HOLDS = 6;
const FREE = Number.POSITIVE_INFINITY;

/** Twenty tenants, quiet at first, then five times as busy for a quarter of an hour, then quiet again. */
const crowd: readonly ScaledTenant[] = Array.from({ length: 20 }, () => ({
  rate: (at: number) => (at >= 900 && at < 1_800 ? 1 : 0.2),
  cap: FREE,
}));
/** Asks for as much as all the others together. */
const flood = { rate: () => 4 };
const paused: ScaledTenant = { ...flood, cap: FREE, paused: true };
const capped: ScaledTenant = { ...flood, cap: 2 };
/** From the fortieth minute on runs take three times as long. */
const service = (at: number) => (at < 2_400 ? 1 : 3);

const run = (seed: number, tenants: readonly ScaledTenant[], scaler = byWork(TARGET)) =>
  scaledFleet({ seed, tenants, service, seconds: 3_600, scaler });

/** Five hours of it: the wait that 99 of 100 runs do not exceed, and the replica-minutes. */
function fiveHours(tenants: readonly ScaledTenant[], scaler: Parameters<typeof run>[2]) {
  const hours = Array.from({ length: 5 }, (_, nth) => run(nth + 1, tenants, scaler));
  const waits = hours.flatMap((hour) => hour.waits).sort((a, b) => a - b);
  const minutes = hours.reduce((sum, { replicaMinutes }) => sum + replicaMinutes, 0);
  return { p99: waits[Math.floor(0.99 * waits.length)] ?? 0, minutes };
}

describe('scaling by what may run and what it takes', () => {
  it('holds the wait target beside tenants that are held, with a third of the replica-minutes of raw depth', () => {
    const tenants = [...crowd, paused, capped];
    const byWhatMayRun = fiveHours(tenants, byWork(TARGET));
    const byRawDepth = fiveHours(tenants, byDepth(TARGET, service(0)));
    expect(byWhatMayRun.p99).toBeLessThanOrEqual(TARGET);
    expect(byWhatMayRun.minutes).toBeLessThan(byRawDepth.minutes / 3);
  });

  it('holds it where nothing is held with fewer than the rule of raw depth that holds it', () => {
    const byWhatMayRun = fiveHours(crowd, byWork(TARGET));
    const byRawDepth = fiveHours(crowd, byDepth(TARGET, HOLDS));
    expect(byWhatMayRun.p99).toBeLessThanOrEqual(TARGET);
    expect(byRawDepth.p99).toBeLessThanOrEqual(TARGET);
    expect(byWhatMayRun.minutes).toBeLessThan(byRawDepth.minutes);
  });

  it('asks for none more because of a tenant that is paused', () => {
    for (const seed of [1, 2, 3]) expect(run(seed, [...crowd, paused]).asked).toEqual(run(seed, crowd).asked);
  });

  it('asks for no more than its cap can use because of a tenant that is capped', () => {
    for (const seed of [1, 2, 3]) expect(Math.max(...run(seed, [capped]).asked)).toBe(Math.ceil(2 / PLACES));
  });
});

describe('the figure', () => {
  const one = { worker: 'w', dedicated: false, tenants: 1, lanes: 100, rate: null, burst: null };
  const work = { serviceMs: 2_000, busy: 0, places: 4, targetMs: 60_000 };

  it.each([
    ['eligible work by service time, target and places', { ...one, runs: 1_200 }, 10],
    ['no more of a tenant than its lanes', { ...one, runs: 1_200, lanes: 8 }, 2],
    ['no more of a tenant than its rate lets pass', { ...one, runs: 1_200, rate: 1, burst: 60 }, 1],
    ['many tenants alike', { ...one, runs: 12, tenants: 100 }, 10],
  ])('counts %s', (_what, demand, wanted) => {
    expect(replicasWanted({ ...work, demand: [demand] })).toBeCloseTo(wanted, 9);
  });

  it('counts what is at work by half beside what waits', () => {
    expect(replicasWanted({ ...work, busy: 6, demand: [{ ...one, runs: 1_200 }] })).toBeCloseTo(10.75, 9);
  });

  it('keeps what is at work, and is 0 where there is nothing', () => {
    expect(replicasWanted({ ...work, busy: 6, demand: [] })).toBe(1.5);
    expect(replicasWanted({ ...work, demand: [] })).toBe(0);
  });
});
