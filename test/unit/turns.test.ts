import { describe, expect, it } from 'vitest';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import type { Pick, TurnRequest } from '../../src/dispatch/pick.ts';
import { Turns } from '../../src/dispatch/turns.ts';
import { flyingRun } from '../support/flying.ts';

const FREE: TurnRequest = {
  runs: 500,
  ms: Number.POSITIVE_INFINITY,
  idle: 1_000,
  reserve: 0,
  held: () => undefined,
  onPick: () => undefined,
};

function turnsOf(weights: Record<string, number>, options: { ms?: number; workers?: readonly string[] } = {}) {
  const { ms = 1, workers = ['decay'] } = options;
  const costs = new CostBook(() => ms);
  const turns = new Turns(costs, workers, new Set(['decay']));
  for (const [tenantId, weight] of Object.entries(weights)) {
    for (const worker of workers) turns.add(tenantId, worker, weight);
  }
  return { turns, costs };
}

function flying(picks: readonly Pick[]) {
  return picks.flatMap(({ tenantId, worker, count, cost, lent }) =>
    Array.from({ length: count }, () => flyingRun({ tenantId, worker, estimateMs: cost, lent })),
  );
}

const counted = (picks: readonly Pick[]) => Object.fromEntries(picks.map(({ tenantId, count }) => [tenantId, count]));

/** Admits every pick and ends every run after `ms` of its tenant; gives how often each tenant was picked. */
function rounds(turns: Turns, ms: Record<string, number>, count: number) {
  const picked: Record<string, number> = {};
  for (let round = 0; round < count; round += 1) {
    const picks = turns.take('decay', { ...FREE, runs: 24, idle: 0 }, round);
    const runs = flying(picks);
    turns.correct(picks, runs, round);
    for (const run of runs) {
      picked[run.tenantId] = (picked[run.tenantId] ?? 0) + 1;
      turns.left(run, ms[run.tenantId] ?? 1, round);
    }
  }
  return picked;
}

describe('turns', () => {
  it('follow the weights, by the time that runs take and not by their number', () => {
    const equal = rounds(turnsOf({ a: 3, b: 1 }).turns, { a: 1, b: 1 }, 200);
    expect((equal.a ?? 0) / (equal.b ?? 1)).toBeCloseTo(3, 0);
    const dear = rounds(turnsOf({ a: 1, b: 1 }).turns, { a: 4, b: 1 }, 200);
    expect((dear.b ?? 0) / (dear.a ?? 1)).toBeCloseTo(4, 0);
  });

  it('follow the weights although each tenant’s runs go one after another and come back at different times', () => {
    const { turns } = turnsOf({ a: 3, b: 2, c: 1 });
    const out = new Set<string>();
    const held = (tenantId: string, picked: number) => (picked === 0 && out.has(tenantId) ? 'in_turn' : undefined);
    const waiting: ReturnType<typeof flying>[] = [];
    const had: Record<string, number> = { a: 0, b: 0, c: 0 };
    let total = 0;
    while (total < 3_000) {
      const picks = turns.take('decay', { ...FREE, idle: 0, runs: 60, held }, total);
      turns.correct(picks, flying(picks), total);
      for (const pick of picks) {
        waiting.push(flying([pick]));
        out.add(pick.tenantId);
      }
      // One place: the ticket that was sent first comes back.
      for (const run of waiting.shift() ?? []) {
        out.delete(run.tenantId);
        had[run.tenantId] = (had[run.tenantId] ?? 0) + 1;
        total += 1;
        turns.left(run, 1, total);
      }
    }
    const share = (tenantId: string) => (100 * (had[tenantId] ?? 0)) / total;
    expect(Math.abs(share('a') - 50)).toBeLessThan(1.5);
    expect(Math.abs(share('b') - 100 / 3)).toBeLessThan(1.5);
    expect(Math.abs(share('c') - 100 / 6)).toBeLessThan(1.5);
  });

  it('of a tenant that had less than it was picked for end until it is heard of again', () => {
    const { turns } = turnsOf({ a: 1, b: 1 });
    const picks = turns.take('decay', { ...FREE, runs: 10 }, 0);
    turns.correct(picks, [flyingRun({ tenantId: 'a' })], 0);
    expect(turns.size).toBe(0);
    turns.add('b', 'decay', 1);
    expect(counted(turns.take('decay', { ...FREE, runs: 1 }, 0))).toEqual({ b: 1 });
  });

  it('go on for a tenant that was heard of while it was being admitted and had nothing', () => {
    const { turns } = turnsOf({ a: 1 });
    const picks = turns.take('decay', { ...FREE, runs: 1 }, 0);
    turns.add('a', 'decay', 1);
    turns.correct(picks, [], 0);
    expect(counted(turns.take('decay', { ...FREE, runs: 1 }, 0))).toEqual({ a: 1 });
  });

  it('are no more at once than one ticket holds, whatever the others do', () => {
    const { turns } = turnsOf({ a: 1 }, { ms: 10 });
    expect(counted(turns.take('decay', FREE, 0))).toEqual({ a: 2 });
  });

  it('cost nothing for a run that was taken and not begun, nor for picks that were not admitted', () => {
    const { turns } = turnsOf({ a: 1, b: 1 });
    const picks = turns.take('decay', { ...FREE, runs: 1 }, 0);
    turns.correct(picks, flying(picks), 0);
    for (const run of flying(picks)) turns.left(run, null, 0);
    turns.takeBack(turns.take('decay', { ...FREE, runs: 4 }, 0), 0);
    expect(counted(turns.take('decay', { ...FREE, runs: 2 }, 0))).toEqual({ a: 1, b: 1 });
  });

  it('of one worker move a tenant back in the turns of the others', () => {
    const { turns } = turnsOf({ a: 1, b: 1 }, { workers: ['decay', 'touch'] });
    const picks = turns.take('touch', { ...FREE, runs: 1 }, 0);
    expect(counted(picks)).toEqual({ a: 1 });
    expect(counted(turns.take('decay', { ...FREE, runs: 1 }, 0))).toEqual({ b: 1 });
  });

  it('hold who may have no more, say why and since when, and are given again when a run leaves', () => {
    const { turns } = turnsOf({ a: 1 }, { workers: ['touch'] });
    let lanes = 0;
    const request: TurnRequest = { ...FREE, idle: 0, held: (_t, picked) => (lanes + picked >= 2 ? 'cap' : undefined) };
    const picks = turns.take('touch', request, 100);
    expect(counted(picks)).toEqual({ a: 2 });
    lanes = 2;
    const [first] = flying(picks);
    turns.correct(picks, flying(picks), 100);
    expect(turns.take('touch', request, 150)).toEqual([]);
    expect(turns.holds.lasting(50, 150)).toMatchObject([
      { tenantId: 'a', worker: 'touch', reason: 'cap', sinceMs: 100 },
    ]);
    lanes = 1;
    if (first !== undefined) turns.left(first, 1, 200);
    expect(counted(turns.take('touch', request, 200))).toEqual({ a: 1 });
    expect(turns.holds.lasting(0, 200)[0]?.sinceMs, 'it is held on').toBe(100);
  });
});

describe('idle capacity', () => {
  const capped: TurnRequest = {
    ...FREE,
    idle: 10,
    reserve: 2,
    held: (_t, picked) => (picked >= 2 ? 'cap' : undefined),
  };

  it('is lent beyond the cap, the reserve to runs that are known to be short only', () => {
    const { turns, costs } = turnsOf({ a: 1 }, { workers: ['touch'], ms: 1 });
    const own = turns.take('touch', capped, 0);
    expect(own, 'first what its cap allows').toMatchObject([{ tenantId: 'a', count: 2, lent: false }]);
    turns.correct(own, flying(own), 0);
    const full: TurnRequest = { ...capped, idle: 8, held: () => 'cap' };
    const lent = turns.take('touch', full, 0);
    expect(lent, 'never measured: not the reserve').toMatchObject([{ tenantId: 'a', count: 6, lent: true }]);
    turns.takeBack(lent, 0);
    costs.measured('a', 'touch', 5);
    expect(turns.take('touch', full, 0), 'short').toMatchObject([{ count: 8, lent: true }]);
    const long = turnsOf({ a: 1 }, { workers: ['touch'] });
    long.costs.measured('a', 'touch', 1_000);
    expect(long.turns.take('touch', full, 0), 'long').toMatchObject([{ count: 6, lent: true }]);
  });

  it.each(['paused', 'rate', 'worker_cap', 'window', 'in_turn'] as const)(
    'is not lent to a tenant at its cap that %s holds by now',
    (reason) => {
      const { turns, costs } = turnsOf({ a: 1 }, { workers: ['touch'] });
      costs.measured('a', 'touch', 1);
      expect(turns.take('touch', capped, 0)).toMatchObject([{ count: 2, lent: false }]);
      expect(turns.take('touch', { ...capped, held: () => reason }, 0)).toEqual([]);
      expect(turns.holds.reason('a', 'touch')).toBe(reason);
    },
  );

  it('is not lent while anybody within its cap waits', () => {
    const { turns, costs } = turnsOf({ a: 1, b: 1 }, { workers: ['touch'] });
    costs.measured('a', 'touch', 1);
    const held: TurnRequest['held'] = (tenantId) => (tenantId === 'a' ? 'cap' : undefined);
    const picks = turns.take('touch', { ...FREE, runs: 5, idle: 5, held }, 0);
    expect(counted(picks)).toEqual({ b: 5 });
  });
});
