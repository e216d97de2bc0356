import { beforeAll, describe, expect, it } from 'vitest';
import { LimitBook } from '../../src/ledger/limit-book.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { runCounts } from '../support/ledger.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const OPS = { actor: 'ops@acme.example' };
const RATE = { runs: 20, seconds: 1, burst: 5 } as const;
const RUNS = 80;
let tenants: readonly string[] = [];

beforeAll(async () => {
  tenants = await Promise.all(Array.from({ length: 3 }, () => addTenant(database())));
});

async function owe(tenantIds: readonly string[], runs: number): Promise<void> {
  await database().admin(
    `insert into public.runs (tenant_id, worker, origin) select t, 'decay', 'request' from unnest($1::uuid[]) t, generate_series(1, $2::int)`,
    [tenantIds, runs],
  );
}

interface Admitted {
  readonly done: number;
  /** The most that a tenant had at any look, by tenant. */
  readonly most: Readonly<Record<string, number>>;
  readonly all: number;
}

/** Looks at what is admitted until all is done; gives the most that each tenant, and all together, had at any look. */
async function watched(runs: number, midway: (done: number) => Promise<void>): Promise<Admitted> {
  const most: Record<string, number> = {};
  let all = 0;
  const look = async () => {
    const [row] = await database().admin<Admitted>(
      `select count(*) filter (where finished_at is not null)::int as done, count(*) filter (where state in ('queued', 'running'))::int as all,
              coalesce((select jsonb_object_agg(tenant_id, n) from (select tenant_id, count(*)::int as n from public.runs
                         where state in ('queued', 'running') group by tenant_id) t), '{}') as most
         from public.runs`,
    );
    for (const [tenantId, runs] of Object.entries(row?.most ?? {}))
      most[tenantId] = Math.max(most[tenantId] ?? 0, runs);
    all = Math.max(all, row?.all ?? 0);
    await midway(row?.done ?? 0);
    return row?.done === runs ? row : undefined;
  };
  const { done } = await eventually(look, { what: `${runs} runs to be done`, withinMs: 60_000 }).catch(
    async (error: unknown) => {
      throw new Error(`${String(error)}: ${await runCounts(database())}`);
    },
  );
  return { done, most, all };
}

/** Kills whoever leads, once. */
function killingLeader(schedulers: readonly TestProcess[], after: number): (done: number) => Promise<void> {
  let killed = false;
  return async (done) => {
    if (killed || done < after) return;
    killed = true;
    const [lease] = await database().admin<{ holder: string }>('select holder from public.leases');
    for (const one of schedulers) if (lease?.holder.includes(`:${one.pid}:`)) one.kill('SIGKILL');
  };
}

describe('what bounds a worker', () => {
  it('is never passed, though the leader is killed in the middle, and is said to be the reason', async () => {
    const [capped = '', rated = '', free = ''] = tenants;
    const fleet = new TestFleet({ database: database(), redisUrl: redisUrl() });
    const limits = new LimitBook(database().open('rae_operator'));
    await limits.set(capped, 'decay', { runCap: 2 }, OPS);
    await limits.set(rated, 'decay', { rate: RATE }, OPS);
    await limits.set(undefined, 'decay', { runCap: 6 }, OPS);
    await owe(tenants, RUNS);
    const schedulers = [fleet.scheduler(), fleet.scheduler()];
    await ready(...schedulers, fleet.worker());
    const { most, all } = await watched(3 * RUNS, killingLeader(schedulers, 60));
    expect(all).toBeLessThanOrEqual(6);
    expect(most[capped]).toBeLessThanOrEqual(2);
    // Within its own cap it was let go all the same.
    expect(most[capped]).toBeGreaterThan(0);
    const beyond = await database().admin(
      `select a.queued_at, b.queued_at as until, b.nth - a.nth + 1 as runs
         from (select queued_at, row_number() over (order by queued_at) as nth from public.runs where tenant_id = $1) a
         join (select queued_at, row_number() over (order by queued_at) as nth from public.runs where tenant_id = $1) b on b.nth >= a.nth
        where b.nth - a.nth + 1 > $2::float8 + $3::float8 * extract(epoch from b.queued_at - a.queued_at)::float8`,
      [rated, RATE.burst, RATE.runs],
    );
    expect(beyond).toEqual([]);

    // Lifted while they wait, they bound nothing any more; set anew, they hold at once.
    await limits.set(rated, 'decay', { rate: null }, OPS);
    await limits.set(undefined, 'decay', { runCap: null }, OPS);
    await database().admin('delete from public.runs');
    await owe([capped, free], RUNS);
    const second = await watched(2 * RUNS, async () => undefined);
    expect(second.done).toBe(2 * RUNS);
    await limits.set(free, 'decay', { rate: { runs: 1, seconds: 3_600, burst: 1 } }, OPS);
    await owe([free], 3);
    const held = await eventually(
      async () => {
        const rows = await database().admin('select reason, bound, owner from public.holds where tenant_id = $1', [
          free,
        ]);
        return rows.find(({ reason }) => reason === 'rate');
      },
      { what: 'the rate to be the reason' },
    );
    expect(held).toEqual({ reason: 'rate', bound: 1, owner: OPS.actor });
    expect((await limits.list()).map(({ run_cap: cap, rate_runs: rate }) => [cap, rate]).sort()).toEqual(
      [
        [2, null],
        [null, 1],
      ].sort(),
    );
  }, 90_000);
});
