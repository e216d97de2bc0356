import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CostBook } from '../../src/dispatch/cost-book.ts';

const book = (limit?: number) => new CostBook((worker) => (worker === 'decay' ? 20 : 500), limit);

describe('what a run is expected to cost', () => {
  it('is what the worker declares before anything was measured', () => {
    expect(book().estimate('a', 'decay')).toBe(20);
    expect(book().estimate('a', 'delivery')).toBe(500);
  });

  it('is what the first run took after one, whatever was declared', () => {
    const costs = book();
    costs.measured('a', 'decay', 3);
    expect(costs.estimate('a', 'decay')).toBe(3);
    expect(costs.estimate('a', 'delivery')).toBe(500);
  });

  it('then moves a fifth of the way to each new measure', () => {
    const costs = book();
    for (const ms of [10, 20, 0]) costs.measured('a', 'decay', ms);
    expect(costs.estimate('a', 'decay')).toBeCloseTo(9.6, 9);
  });

  it('is learned for each tenant and worker apart', () => {
    const costs = book();
    costs.measured('a', 'decay', 1);
    costs.measured('b', 'decay', 100);
    costs.measured('a', 'delivery', 7);
    expect(costs.estimate('a', 'decay')).toBe(1);
    expect(costs.estimate('b', 'decay')).toBe(100);
    expect(costs.estimate('a', 'delivery')).toBe(7);
  });

  it('is the mean over other tenants for one never seen, which a flood by one does not move', () => {
    const costs = book();
    costs.measured('a', 'decay', 10);
    costs.measured('b', 'decay', 30);
    for (let run = 0; run < 1_000; run += 1) costs.measured('flooder', 'decay', 50);
    expect(costs.estimate('new', 'decay')).toBeCloseTo(30, 9);
  });

  it('for a tenant never seen follows when all tenants become slower', () => {
    const costs = book();
    for (let tenant = 0; tenant < 1_000; tenant += 1) costs.measured(`fast${tenant}`, 'decay', 1);
    for (let tenant = 0; tenant < 300; tenant += 1) costs.measured(`slow${tenant}`, 'decay', 100);
    expect(costs.estimate('new', 'decay')).toBeGreaterThan(95);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('is not changed by a measure of %d ms', (ms) => {
    const costs = book();
    costs.measured('a', 'decay', ms);
    expect(costs.estimate('a', 'decay')).toBe(20);
  });

  it('is never outside of what was measured', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { minLength: 1 }), (measures) => {
        const costs = book();
        for (const ms of measures) costs.measured('a', 'decay', ms);
        expect(costs.estimate('a', 'decay')).toBeGreaterThanOrEqual(Math.min(...measures) - 1e-9);
        expect(costs.estimate('a', 'decay')).toBeLessThanOrEqual(Math.max(...measures) + 1e-9);
      }),
    );
  });
});

describe('what share of its estimate a run typically takes', () => {
  it('is all of it while every run takes the same', () => {
    const costs = book();
    expect(costs.typical('decay')).toBe(1);
    for (let run = 0; run < 500; run += 1) costs.measured('a', 'decay', 3);
    expect(costs.typical('decay')).toBeGreaterThan(0.9);
  });

  it('is little where one run of five takes nearly all of the time', () => {
    const costs = book();
    for (let run = 0; run < 1_000; run += 1) costs.measured(`t${run % 49}`, 'decay', run % 5 === 4 ? 10 : 0.4);
    expect(costs.typical('decay')).toBeLessThan(0.35);
    expect(costs.typical('delivery')).toBe(1);
  });

  it('is little where most runs lose their core, and a few do not', () => {
    const costs = book();
    for (let run = 0; run < 1_000; run += 1) costs.measured(`t${run % 49}`, 'decay', run % 10 < 7 ? 10 : 0.4);
    expect(costs.typical('decay')).toBeLessThan(0.2);
  });

  it('is known within a hundred runs, where all of them take much less than those before, and where they take more again', () => {
    const costs = book();
    for (let run = 0; run < 200; run += 1) costs.measured(`t${run}`, 'decay', 80);
    for (let run = 0; run < 50; run += 1) costs.measured(`t${run}`, 'decay', 2);
    expect(costs.typical('decay')).toBeLessThan(0.05);
    for (let run = 50; run < 150; run += 1) costs.measured(`t${run}`, 'decay', 80);
    expect(costs.typical('decay')).toBeGreaterThan(0.5);
  });

  it('is the same for tenants whose runs differ, as each is held against its own estimate', () => {
    const costs = book();
    for (let run = 0; run < 1_000; run += 1) costs.measured(`t${run % 50}`, 'decay', 2 ** (run % 10));
    expect(costs.typical('decay')).toBeGreaterThan(0.7);
  });
});

describe('the memory of the cost book', () => {
  it('holds no more pairs than it may, over all workers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.array(fc.tuple(fc.nat(99), fc.nat(4))), (limit, measures) => {
        const costs = book(limit);
        for (const [tenant, worker] of measures) {
          costs.measured(`t${tenant}`, `w${worker}`, 1);
          expect(costs.size).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('keeps those that are measured and lets go of those that are not', () => {
    const costs = book(10);
    costs.measured('kept', 'decay', 1);
    costs.measured('gone', 'decay', 1);
    for (let other = 0; other < 100; other += 1) {
      costs.measured(`other${other}`, 'decay', 40);
      costs.measured('kept', 'decay', 1);
    }
    expect(costs.estimate('kept', 'decay')).toBe(1);
    expect(costs.estimate('gone', 'decay')).toBeGreaterThan(20);
  });
});
