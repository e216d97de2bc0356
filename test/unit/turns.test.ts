import { describe, expect, it } from 'vitest';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import type { FlyingRun } from '../../src/dispatch/flight.ts';
import { type Picks, Turns } from '../../src/dispatch/turns.ts';

let made = 0;

function run(turns: Turns, tenantId: string, weight: number): FlyingRun {
  made += 1;
  const estimateMs = turns.estimate(tenantId, 'decay');
  const queue = 'rae.decay.p00';
  const runId = `r${made}`;
  return {
    tenantId,
    runId,
    worker: 'decay',
    attempt: 0,
    queue,
    state: 'queued',
    weight,
    estimateMs,
    charged: true,
    epoch: 0,
  };
}

function all(picks: Picks): ReadonlyMap<string, number> {
  return new Map([...picks].map(([tenantId, { count }]) => [tenantId, count]));
}

/** Admits every pick and ends every run after `ms` of its tenant; gives how often each tenant was picked. */
function rounds(turns: Turns, weights: Record<string, number>, ms: Record<string, number>, count: number) {
  const picked: Record<string, number> = {};
  for (let round = 0; round < count; round += 1) {
    const picks = turns.take(24, 'decay');
    const flying = [...picks].flatMap(([tenantId, one]) =>
      Array.from({ length: one.count }, () => run(turns, tenantId, weights[tenantId] ?? 1)),
    );
    turns.correct(picks, all(picks), flying);
    for (const one of flying) {
      picked[one.tenantId] = (picked[one.tenantId] ?? 0) + 1;
      turns.left(one, ms[one.tenantId] ?? 1);
    }
  }
  return picked;
}

function turnsOf(weights: Record<string, number>): Turns {
  const turns = new Turns(new CostBook(() => 1));
  for (const [tenantId, weight] of Object.entries(weights)) turns.add(tenantId, weight);
  return turns;
}

describe('turns', () => {
  it('follow the weights, by the time that runs take and not by their number', () => {
    const weights = { a: 3, b: 1 };
    const equal = rounds(turnsOf(weights), weights, { a: 1, b: 1 }, 200);
    expect((equal.a ?? 0) / (equal.b ?? 1)).toBeCloseTo(3, 0);
    const dear = rounds(turnsOf({ a: 1, b: 1 }), {}, { a: 4, b: 1 }, 200);
    expect((dear.b ?? 0) / (dear.a ?? 1)).toBeCloseTo(4, 0);
  });

  it('of a tenant that had less than it was asked for end until it is heard of again', () => {
    const turns = turnsOf({ a: 1, b: 1 });
    const picks = turns.take(10, 'decay');
    turns.correct(picks, all(picks), [run(turns, 'a', 1)]);
    expect(turns.size).toBe(0);
    turns.add('b', 1);
    expect([...turns.take(1, 'decay').keys()]).toEqual(['b']);
  });

  it('of a tenant whose queues are full are given back, and it keeps its place', () => {
    const turns = turnsOf({ a: 1 });
    const picks = turns.take(4, 'decay');
    turns.correct(picks, new Map(), []);
    expect(turns.size).toBe(1);
    turns.add('b', 1);
    expect(all(turns.take(2, 'decay'))).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    );
  });

  it('are no more at once than one ticket holds, whatever the others do', () => {
    const turns = new Turns(new CostBook(() => 10));
    turns.add('a', 1);
    expect(all(turns.take(100, 'decay'))).toEqual(new Map([['a', 2]]));
  });

  it('cost nothing for a run that was taken and not begun', () => {
    const turns = turnsOf({ a: 1, b: 1 });
    const picks = turns.take(1, 'decay');
    const [[tenantId] = ['']] = [...picks];
    const one = run(turns, tenantId, 1);
    turns.correct(picks, all(picks), [one]);
    turns.left(one, null);
    expect(all(turns.take(2, 'decay'))).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    );
  });
});
