import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAST_COST_MS } from '../../src/dispatch/charge.ts';
import { FairOrder } from '../../src/dispatch/fair-order.ts';

function ordered(...tenants: readonly (readonly [string, number])[]): FairOrder {
  const order = new FairOrder();
  for (const [tenant, weight] of tenants) order.add(tenant, weight);
  return order;
}

const picks = (order: FairOrder, howMany: number, cost = 10) => {
  return Array.from({ length: howMany }, () => order.next(cost)).join(' ');
};

describe('the order', () => {
  it('gives equal tenants equal turns, in the order in which they came', () => {
    expect(picks(ordered(['a', 1], ['b', 1], ['c', 1]), 7)).toBe('a b c a b c a');
  });

  it('gives a tenant of three times the weight three runs for one', () => {
    const order = ordered(['a', 3], ['b', 1]);
    const counts = picks(order, 400).split(' ');
    expect(counts.filter((tenant) => tenant === 'a')).toHaveLength(300);
  });

  it('gives a tenant whose runs take four times as long a quarter of the runs', () => {
    const order = ordered(['a', 1], ['b', 1]);
    let ofA = 0;
    for (let pick = 0; pick < 500; pick += 1) if (order.next(order.peek() === 'a' ? 40 : 10) === 'a') ofA += 1;
    expect(ofA).toBe(100);
  });

  it('has nobody to pick when nobody is there, or all are parked', () => {
    const order = ordered(['a', 1]);
    order.park('a');
    expect([order.peek(), order.next(1), order.size]).toEqual([undefined, undefined, 1]);
    order.remove('a');
    expect([order.smallestParked(), order.size, order.remembered]).toEqual([undefined, 0, 0]);
  });

  it('shows who is next and changes nothing by it', () => {
    const order = ordered(['a', 1], ['b', 1]);
    expect([order.peek(), order.peek(), order.next(1), order.peek()]).toEqual(['a', 'a', 'a', 'b']);
  });

  it('leaves a tenant in its place when it is added again, with its new weight from the next charge on', () => {
    const order = ordered(['a', 1], ['b', 1]);
    order.next(10);
    order.add('a', 10);
    expect(picks(order, 12)).toBe('b a b a a a a a a a a a');
  });

  it('does not let runs that take no time shut out the others', () => {
    const order = ordered(['idle', 1], ['b', 1]);
    for (let pick = 0; pick < 10; pick += 1) {
      const charged = order.peek() === 'idle' ? 0 : 1;
      const tenant = order.next(charged) ?? '';
      order.settle(tenant, charged, charged);
    }
    let before = 0;
    while (order.next(0) === 'idle' && before < 1_000) before += 1;
    expect(before).toBeLessThanOrEqual(1 / LEAST_COST_MS + 1);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 41])('refuses a cost of %d ms and is unharmed', (cost) => {
    const order = ordered(['a', 1], ['b', 1]);
    expect(() => order.next(cost)).toThrow(/no cost/);
    expect(() => order.settle('a', 1, cost)).toThrow(/no cost/);
    expect(picks(order, 3)).toBe('a b a');
  });

  it.each([Number.NaN, 0, -1, Number.POSITIVE_INFINITY])('refuses a weight of %d', (weight) => {
    const order = ordered(['a', 1]);
    expect(() => order.add('b', weight)).toThrow(/no weight/);
    expect([order.size, order.remembered]).toEqual([1, 1]);
  });

  it('takes no notice of tenants that it does not know', () => {
    const order = ordered(['a', 1]);
    order.park('b');
    order.unpark('b');
    order.remove('b');
    order.settle('b', 1, 1_000);
    order.refund('b', 1);
    expect([order.size, order.remembered]).toEqual([1, 1]);
  });
});

describe('a charge', () => {
  it('is corrected when the run has ended, upward and downward', () => {
    const order = ordered(['a', 1], ['b', 1]);
    picks(order, 2, 10);
    order.settle('a', 10, 35);
    order.settle('b', 10, 5);
    // a stands at 35, b at 5.
    expect(picks(order, 5)).toBe('b b b a b');
  });

  it('is corrected for a tenant that has left, and remembered while it is ahead', () => {
    const order = ordered(['a', 1], ['b', 1]);
    picks(order, 2, 10);
    order.remove('a');
    order.settle('a', 10, 35);
    expect(order.remembered).toBe(2);
    order.add('a', 1);
    expect(picks(order, 5)).toBe('b b b a b');
  });

  it('is corrected for a tenant that is parked', () => {
    const order = ordered(['a', 1], ['b', 1]);
    picks(order, 2, 10);
    order.park('a');
    order.settle('a', 10, 35);
    order.unpark('a');
    expect(picks(order, 5)).toBe('b b b a b');
  });

  it('is given back when the pick found nothing to run', () => {
    const order = ordered(['a', 1], ['b', 1]);
    order.next(10);
    order.refund('a', 10);
    expect(picks(order, 3)).toBe('b a b');
  });

  it('is given back once for each of several such picks, and not at all for none', () => {
    const order = ordered(['a', 3], ['b', 1]);
    order.park('b');
    picks(order, 2, 30);
    order.refund('a', 30, 2);
    order.refund('a', 30, 0);
    order.unpark('b');
    // a stands where it began, b at 10, where virtual time is.
    expect(picks(order, 5, 30)).toBe('a b a a a');
  });

  it('that was far too high gives its tenant no more than that one charge before who comes', () => {
    const order = ordered(['a', 1]);
    picks(order, 5, 100);
    for (let run = 0; run < 5; run += 1) order.settle('a', 100, 1);
    order.add('b', 1);
    // Virtual time is at 400, a stands one charge behind.
    expect(picks(order, 4, 60)).toBe('a a b a');
  });
});

describe('a parked tenant', () => {
  it('is passed over, and is in its place again afterwards', () => {
    const order = ordered(['a', 1], ['b', 1], ['c', 1]);
    order.park('a');
    expect(picks(order, 4)).toBe('b c b c');
    order.unpark('a');
    expect(picks(order, 4)).toBe('a b c a');
  });

  it('has what was withheld for a moment, as far as that is allowed, and not what its cap withheld', () => {
    const picksAfter = (behindMs: number) => {
      const order = ordered(['a', 1], ['b', 1]);
      picks(order, 2);
      order.park('a');
      picks(order, 3);
      order.unpark('a', behindMs);
      // b stands at 40, virtual time at 30, a at 10, 20 or 30.
      return picks(order, 4);
    };
    expect(picksAfter(0)).toBe('a b a b');
    expect(picksAfter(10)).toBe('a a b a');
    expect(picksAfter(1_000)).toBe('a a a b');
  });

  it('that is barred claims its place: who is further on would overtake it', () => {
    const order = ordered(['a', 1], ['b', 1]);
    expect(order.next(10)).toBe('a');
    order.bar('a');
    expect(order.peek()).toBe('b');
    expect(order.overtakes).toBe(false);
    expect(order.next(15)).toBe('b');
    expect(order.overtakes).toBe(true);
    expect(order.smallestParked()).toBeUndefined();
    order.unpark('a');
    expect(order.overtakes).toBe(false);
    expect(order.peek()).toBe('a');
  });

  it('moves on where it waits elsewhere too, and back again, when it is picked there', () => {
    const order = ordered(['a', 1], ['b', 1]);
    order.shift('a', 0, 10);
    expect(picks(order, 1)).toBe('b');
    order.shift('a', 10, 0);
    expect(order.peek()).toBe('a');
    order.shift('nobody', 0, 10);
    expect(order.remembered).toBe(2);
  });

  it('is lent idle capacity when it is the one furthest behind', () => {
    const order = ordered(['a', 1], ['b', 1]);
    order.next(10);
    for (const tenant of ['a', 'b']) order.park(tenant);
    expect(order.smallestParked()).toBe('b');
    order.unpark('b');
    expect(order.next(30)).toBe('b');
    order.park('b');
    expect(order.smallestParked()).toBe('a');
  });
});

describe('the memory of who left', () => {
  it('ends when virtual time has gone past', () => {
    const order = ordered(['a', 1], ['b', 1]);
    order.next(25);
    order.remove('a');
    order.settle('a', 25, 25);
    picks(order, 3);
    expect(order.remembered).toBe(2);
    order.next(10);
    expect(order.remembered).toBe(1);
  });

  it('ends when nobody waits and nothing runs: then nobody is ahead of anybody', () => {
    const order = ordered(['a', 1]);
    order.next(1_000);
    order.remove('a');
    order.settle('a', 1_000, 1_000);
    expect(order.remembered).toBe(0);
  });

  it('does not grow with tenants that come, run once and go', () => {
    const order = ordered(['steady', 1]);
    let most = 0;
    for (let tenant = 0; tenant < 20_000; tenant += 1) {
      order.add(`t${tenant}`, 1);
      for (const who of [`t${tenant}`, 'steady']) {
        while (order.peek() !== who) order.settle(order.next(5) ?? '', 5, 5);
        order.next(5);
        order.settle(who, 5, 5);
      }
      order.remove(`t${tenant}`);
      most = Math.max(most, order.remembered);
    }
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe('a dispatcher', () => {
  it('forgets everything when it is no longer the one', () => {
    const order = ordered(['a', 1], ['b', 1]);
    picks(order, 7);
    order.clear();
    expect([order.size, order.remembered, order.peek(), order.smallestParked()]).toEqual([0, 0, undefined, undefined]);
    order.add('b', 1);
    order.add('a', 1);
    expect(picks(order, 3)).toBe('b a b');
  });
});

describe('virtual time', () => {
  /** Moves it to just before `ms`, with a tenant that leaves nothing behind. */
  function old(ms: number): FairOrder {
    const order = ordered(['clock', 1]);
    for (let left = ms; left > 0; left -= 2 ** 39) order.next(Math.min(left, 2 ** 39));
    return order;
  }

  const steps = fc.array(
    fc.tuple(
      fc.constantFrom('next', 'next', 'next', 'settle', 'leave', 'come', 'park', 'unpark'),
      fc.nat(9),
      fc.nat(1_000),
    ),
    { minLength: 100, maxLength: 300 },
  );
  type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

  function taken(order: FairOrder, script: Step): readonly (string | undefined)[] {
    for (let tenant = 0; tenant < 10; tenant += 1) order.add(`t${tenant}`, 2 ** (tenant % 3));
    const picked: (string | undefined)[] = [];
    for (const [what, which, cost] of script) {
      const tenant = `t${which}`;
      if (what === 'next') picked.push(order.next(cost + 1));
      else if (what === 'settle') order.settle(tenant, cost + 1, 501);
      else if (what === 'leave') order.remove(tenant);
      else if (what === 'come') order.add(tenant, 2 ** (which % 3));
      else if (what === 'park') order.park(tenant);
      else order.unpark(tenant);
    }
    return picked;
  }

  it('that has grown for years changes no pick, wherever it is counted from 0 again', () => {
    fc.assert(
      fc.property(steps, fc.nat(500), (script, left) => {
        const [fresh, aged] = [ordered(['clock', 1]), old(2 ** 40 - left)];
        // The clock is at the start of its last pick; one more brings it to the tags that the others start from.
        for (const order of [fresh, aged]) {
          order.next(1);
          order.park('clock');
        }
        expect(taken(aged, script)).toEqual(taken(fresh, script));
      }),
      { numRuns: 500 },
    );
  });

  it('tells a microsecond from none after any time', () => {
    const order = ordered(['clock', 1]);
    for (let year = 0; year < 50; year += 1) {
      for (let pick = 0; pick < 3; pick += 1) order.next(2 ** 39 + year / 7);
      order.add('a', 1);
      order.add('b', 1);
      while (order.peek() === 'clock') order.next(2 ** 39);
      order.next(0.1);
      order.settle('a', 0.1, 0.101);
      order.next(0.1);
      expect(order.peek()).toBe('b');
      for (const tenant of ['a', 'b']) order.remove(tenant);
    }
  });
});
