import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { additions, shares } from '../../src/demo/share.ts';

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const sizes = { tenants: fc.integer({ min: 1, max: 400 }), memories: fc.integer({ min: 0, max: 1_000_000 }) };

describe('the memories of the demo', () => {
  it('are exactly as many as asked for, whatever the number of tenants', () => {
    fc.assert(
      fc.property(sizes.tenants, sizes.memories, (tenants, memories) => {
        const each = shares(tenants, memories);
        expect(each).toHaveLength(tenants);
        expect(each.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
        expect(sum(each)).toBe(memories);
      }),
    );
  });

  it('leave no tenant without any, but for one newcomer among more than a hundred', () => {
    expect(Math.min(...shares(100, 100))).toBe(1);
    const many = shares(200, 100_000);
    expect(many.filter((count) => count === 0)).toHaveLength(1);
    expect(many[100]).toBe(0);
  });

  it('belong to few large tenants and many small ones', () => {
    const each = [...shares(200, 100_000)].sort((a, b) => b - a);
    expect(sum(each.slice(0, 20))).toBeGreaterThan(45_000);
    expect(each[100]).toBeLessThan(500);
  });

  it('grow to exactly as many as asked for, and are never taken away', () => {
    fc.assert(
      fc.property(sizes.tenants, sizes.memories, sizes.tenants, sizes.memories, (oldT, oldM, newT, newM) => {
        const old = shares(oldT, oldM);
        const there = Array.from({ length: newT }, (_, index) => old[index] ?? 0);
        const elsewhere = sum(old.slice(newT));
        const added = additions(there, elsewhere, newM);
        expect(added.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
        expect(oldM + sum(added)).toBe(Math.max(oldM, newM));
      }),
    );
  });
});
