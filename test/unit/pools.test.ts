import { describe, expect, it } from 'vitest';
import type { Takers } from '../../queues/consumers.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { Picture } from '../../src/dispatch/picture.ts';
import { Windows } from '../../src/dispatch/windows.ts';
import { Consumption } from '../../src/kernel/consumption.ts';
import { seeded } from '../support/random.ts';

const random = seeded('pools');
const WORKERS = ['touch', 'decay'] as const;

/** A dispatcher's picture of two shared partitions; runs are queued as they are picked, and leave when they are told to. */
function scene(...takers: readonly (readonly [consumes: string, slots: number])[]) {
  const costs = new CostBook(() => 1_000);
  const windows = new Windows(costs, { window: 2_000, reserve: 0.2 });
  const workers = [
    { name: 'touch', shared: false },
    { name: 'decay', shared: true },
  ];
  const picture = new Picture({ workers, costs, windows, partitions: 2 });
  const follow = (given: typeof takers, nowMs = 0) => {
    const all: Takers[] = given.flatMap(([consumes, slots]) =>
      WORKERS.map((worker) => ({
        worker,
        consumes: new Consumption(consumes),
        slots,
        steps: slots,
        processes: 1,
      })),
    );
    if (windows.follow(all, nowMs)) picture.relane();
  };
  follow(takers);
  let runs = 0;
  const admit = () => {
    const all: string[] = [];
    for (let picks = picture.pick(0); picks.length > 0; picks = picture.pick(0)) {
      const admitted = picks.flatMap(({ count, queue }, nth) =>
        Array.from({ length: count }, () => {
          all.push(queue);
          runs += 1;
          return { nth: nth + 1, run_id: `r${runs}`, attempt: 1, payload: null, flight_id: '1' };
        }),
      );
      const flying = picture.admitted(picks, admitted, 0);
      for (const run of flying) picture.flight.ticketed(run.runId, [run], 0);
    }
    return all;
  };
  const tenant = (more: { dedicated?: boolean; quarantined?: boolean } = {}, epoch = 0, tenantId = random.uuid()) => {
    const placed = { dedicated: false, quarantined: false, epoch, ...more };
    if (picture.shares.set({ tenant_id: tenantId, weight: 1, cap: 100, ...placed })) picture.moved(tenantId);
    return tenantId;
  };
  return { picture, windows, follow, admit, tenant };
}

const kindOf = (queue: string) =>
  queue.includes('.t-') ? 'dedicated' : queue.endsWith('p256') ? 'quarantine' : 'shared';
const counted = (queues: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const queue of queues) counts[kindOf(queue)] = (counts[kindOf(queue)] ?? 0) + 1;
  return counts;
};

describe('work of a pool', () => {
  it('is admitted for the places of the processes that take it, and holds up no other', () => {
    const { picture, admit, tenant } = scene(['shared', 10], ['dedicated', 4]);
    picture.add(tenant(), 'touch');
    picture.add(tenant({ dedicated: true }), 'touch');
    // A place each, and one more on its way.
    expect(counted(admit())).toEqual({ shared: 11, dedicated: 5 });
  });

  it('that nobody takes waits, whatever idle places the others have', () => {
    const { picture, windows, admit, tenant, follow } = scene(['shared', 10]);
    const own = tenant({ dedicated: true });
    for (const worker of WORKERS) picture.add(own, worker);
    expect(admit()).toEqual([]);
    const lanes = picture.turns.lanesOf('touch').filter((lane) => !windows.isConsumed('touch', lane));
    expect(lanes.flatMap((lane) => [...picture.turns.waitingIn(lane)])).toEqual([own]);
    follow([
      ['shared', 10],
      [own, 2],
    ]);
    expect(counted(admit().filter((queue) => queue.includes('touch')))).toEqual({ dedicated: 3 });
  });

  it('that several processes take in part is never more than all of them can do', () => {
    const { picture, admit, tenant } = scene(['0', 4], ['0-1,dedicated', 4], ['quarantine', 4]);
    for (let nth = 0; nth < 20; nth += 1) picture.add(tenant(), 'touch');
    picture.add(tenant({ dedicated: true }), 'touch');
    picture.add(tenant({ quarantined: true }), 'touch');
    let own = 0;
    for (let round = 0; round < 4; round += 1) {
      const { shared = 0, dedicated = 0, quarantine = 0 } = counted(admit());
      expect([shared + dedicated, quarantine]).toEqual([10, 5]);
      expect(dedicated).toBeLessThanOrEqual(5);
      own += dedicated;
      for (const run of picture.flight.runs) picture.left(run, 1_000, 0);
    }
    expect(own, 'each lane has its turn').toBeGreaterThan(0);
  });

  it('goes on where a tenant is moved to, and where processes come and go', () => {
    const { picture, admit, tenant, follow } = scene(['shared', 10]);
    const id = tenant({ dedicated: true });
    picture.add(id, 'touch');
    expect(admit()).toEqual([]);
    tenant({}, 1, id);
    expect(counted(admit())).toEqual({ shared: 11 });
    follow([['dedicated', 3]], 10_000);
    for (const run of picture.flight.runs) picture.left(run, 1_000, 0);
    expect(admit()).toEqual([]);
    tenant({ dedicated: true }, 2, id);
    expect(counted(admit())).toEqual({ dedicated: 4 });
    for (const run of picture.flight.runs) picture.left(run, 1_000, 0);
    expect([picture.flight.size, picture.flight.inLane('touch dedicated'), picture.turns.size]).toEqual([0, 0, 1]);
  });

  it('is one where every process takes everything, as if nothing had been said', () => {
    const { picture, admit, tenant } = scene(['shared,dedicated', 4], ['dedicated,shared,quarantine,0-7', 4]);
    picture.add(tenant(), 'decay');
    picture.add(tenant({ dedicated: true }), 'decay');
    expect(admit()).toHaveLength(2);
    expect(picture.turns.lanesOf('decay')).toEqual(['decay']);
  });
});
