import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Demand } from '../../src/ledger/demand.ts';
import { LedgerStats } from '../../src/ledger/stats.ts';
import { Events } from '../../src/observe/events.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let tenants: readonly string[] = [];

beforeAll(async () => {
  tenants = await Promise.all(Array.from({ length: 6 }, () => addTenant(database(), { plan: 'pro' })));
});

/** What waits for nothing but a place, as it is counted now. */
async function demand(): Promise<readonly Demand[]> {
  const seen: Demand[] = [];
  const wanted = (rows: readonly Demand[]) => {
    seen.push(...rows);
    return [{ worker: 'decay', queueKind: 'shared', value: 1.5 } as const];
  };
  const events = new Events();
  const told: unknown[] = [];
  events.on('stats.collected', ({ replicasWanted }) => told.push(replicasWanted));
  await new LedgerStats(database().open('rae_scheduler'), events, systemClock, wanted).collect();
  expect(told).toEqual([[{ worker: 'decay', queueKind: 'shared', value: 1.5 }]]);
  return seen.sort((a, b) => a.runs - b.runs);
}

describe('what more processes would help', () => {
  it('is what waits for its turn or a place, by what bounds it, and nothing that is held', async () => {
    const [, , bounded = '', paused = '', full = '', later = ''] = tenants;
    await database().admin(
      `insert into public.runs (tenant_id, worker, origin, available_at)
         select a.t, 'decay', 'request', case when a.t = $3 then now() + interval '1 hour' else now() end
           from unnest($1::uuid[], $2::int[]) a (t, n), generate_series(1, a.n)`,
      [tenants, [2, 2, 5, 7, 8, 9], later],
    );
    await database().admin(
      `insert into public.limits (tenant_id, worker, run_cap, rate_runs, rate_seconds, burst, owner) values ($1, 'decay', 1, 30, 60, 4, 'ops')`,
      [bounded],
    );
    await database().admin(
      `insert into public.holds (tenant_id, worker, reason, since) values ($1, 'decay', 'paused', now()), ($2, 'decay', 'cap', now())`,
      [paused, full],
    );
    const free = { worker: 'decay', dedicated: false, lanes: 4, rate: null, burst: null };
    const expected = [
      { ...free, tenants: 2, runs: 2 },
      { ...free, tenants: 1, runs: 5, lanes: 1, rate: 0.5, burst: 4 },
    ];
    expect(await demand()).toEqual(expected);
    // A full window, and a worker whose work nobody takes, are what more processes end; nobody being there, no cap is reached.
    const none = { ...free, tenants: 1, runs: 8 };
    for (const [reason, more] of [
      ['window', []],
      ['no_consumer', [none]],
    ] as const) {
      await database().admin(
        `insert into public.queue_holds (worker, reason, since) values ('decay', $1, now())
         on conflict (worker, queue) do update set reason = excluded.reason`,
        [reason],
      );
      expect(await demand()).toEqual([...expected, ...more]);
    }
    await database().admin("update public.queue_holds set reason = 'paused'");
    expect(await demand()).toEqual([]);
  });
});
