import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';

const database = useDatabase();
let tenant = '';

beforeAll(async () => {
  await database().admin(
    `insert into public.tenants (tenant_id, name) select gen_random_uuid(), 'tenant ' || n from generate_series(1, 400) n`,
  );
  await database().admin(
    `insert into public.cost_budgets (tenant_id, project, monthly_limit_usd, daily_limit_usd)
     select tenant_id, p, 1e6, 1e5 from public.tenants, unnest(array[null, 'default', 'atlas', 'b', 'c']) p`,
  );
  await database().admin(
    `insert into public.cost_logs (tenant_id, model, provider, operation, total_cost_usd, "timestamp")
     select tenant_id, 'm', 'p', 'query', 0.01, now() - n * interval '11 hours' from public.tenants, generate_series(0, 60) n`,
  );
  await database().admin(
    `insert into public.budget_reservations (tenant_id, project, estimate_usd, lapses_at, settled_at)
     select tenant_id, 'default', 0.01, now() + n * interval '1 minute', case when n <> 5 then now() end from public.tenants, generate_series(-20, 5) n`,
  );
  // As cost-aggregation leaves them: an empty table is read from its begin, by whatever plan.
  for (const [table, column, key] of [
    ['hourly', 'hour', `date_trunc('hour', "timestamp", 'UTC')`],
    ['daily', 'day', `("timestamp" at time zone 'UTC')::date`],
  ]) {
    await database().admin(
      `insert into public.cost_rollups_${table} (tenant_id, ${column}, project, provider, model, operation, calls, errors, unknown_calls,
         input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
       select tenant_id, ${key}, project_id, provider, model, operation, count(*), 0, 0, 0, 0, sum(total_cost_usd), 0, 0, 0
         from public.cost_logs group by 1, 2, 3, 4, 5, 6`,
    );
  }
  await database().admin('delete from public.cost_deltas');
  await database().admin('analyze');
  const [row] = await database().admin<{ tenant_id: string }>('select tenant_id from public.tenants limit 1');
  tenant = row?.tenant_id ?? '';
});

describe('rae_budget_allows', () => {
  it('reads by index only, and of its own tenant only, however many others there are', async () => {
    const reads = await connected(database().url('rae_api'), async (client) => {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [tenant]);
      const { rows: answers } = await client.query<{ allowed: boolean }>('select * from public.rae_budget_allows(1)');
      expect(answers).toMatchObject([{ allowed: true, reason: 'within_budget' }]);
      const { rows } = await client.query<{ relname: string; scans: number; rows: number }>(
        `select relname, seq_scan::int as scans, (seq_tup_read + idx_tup_fetch)::int as rows from pg_catalog.pg_stat_xact_user_tables
          where schemaname = 'public' and seq_scan + idx_scan > 0 order by relname`,
      );
      return rows;
    });
    expect(reads.map(({ relname }) => relname)).toEqual(
      expect.arrayContaining(['budget_reservations', 'cost_budgets', 'cost_logs']),
    );
    expect(reads.filter(({ scans }) => scans > 0)).toEqual([]);
    const most = Math.max(...reads.map((table) => table.rows));
    expect(most).toBeLessThan(1_000);
  });
});
