import type { TestDatabase } from './database.ts';
import { query } from './query.ts';
import { connected } from './server.ts';

/** A call as a test logs it. */
export interface Spent {
  readonly usd: number | string;
  readonly at?: Date | string;
  readonly project?: string;
  readonly tokens?: number;
}

/** Logs calls in one statement, as an API server does. @returns their ids */
export async function spend(database: TestDatabase, tenantId: string, calls: readonly Spent[]): Promise<string[]> {
  const rows = await database.tenants('rae_api').inTenant(tenantId, (tx) =>
    tx.rows<{ id: string }>(
      query(
        `insert into public.cost_logs (tenant_id, project_id, model, provider, operation, input_tokens, total_cost_usd, "timestamp")
         select $1, c.project, 'gpt-4o', 'openai', 'query', c.tokens, c.usd, coalesce(c.at, clock_timestamp())
           from unnest($2::text[], $3::int[], $4::numeric[], $5::timestamptz[]) c (project, tokens, usd, at) returning id`,
      ),
      [
        tenantId,
        calls.map(({ project }) => project ?? 'default'),
        calls.map(({ tokens }) => tokens ?? 0),
        calls.map(({ usd }) => usd),
        calls.map(({ at }) => at ?? null),
      ],
    ),
  );
  return rows.map(({ id }) => id);
}

/** Sets a budget as an API server does; `project` null = of all the tenant. @returns its id */
export async function setBudget(
  database: TestDatabase,
  tenantId: string,
  document: Readonly<Record<string, unknown>>,
  project: string | null = null,
): Promise<string> {
  const rows = await inTenant<{ id: string }>(database, tenantId, 'select public.rae_budget_set($1, $2) as id', [
    JSON.stringify(document),
    project,
  ]);
  return rows[0]?.id ?? '';
}

/** Sends one statement as an API server does, in a transaction of the tenant. */
export async function inTenant<R extends Record<string, unknown>>(
  database: TestDatabase,
  tenantId: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  return await connected(database.url('rae_api'), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [tenantId]);
    const { rows } = await client.query<R>(text, [...values]);
    await client.query('commit');
    return rows;
  });
}

/** What the guard answers. */
export interface Allowance extends Record<string, unknown> {
  readonly allowed: boolean;
  readonly reason: string;
  readonly remaining_usd: string | null;
}

/** Asks whether a call may be made. */
export async function allows(
  database: TestDatabase,
  tenantId: string,
  usd: number | string | null,
  project: string | null = null,
): Promise<Allowance | undefined> {
  const text = 'select * from public.rae_budget_allows($1, $2)';
  return (await inTenant<Allowance>(database, tenantId, text, [usd, project]))[0];
}

/** The alerts of a tenant: `meter period threshold`, with the project's name before it. */
export async function alertsOf(database: TestDatabase, tenantId: string): Promise<readonly string[]> {
  const rows = await database.admin<{ alert: string }>(
    `select concat_ws(' ', project, meter, period, threshold) as alert from public.budget_alerts where tenant_id = $1`,
    [tenantId],
  );
  return rows.map(({ alert }) => alert).sort();
}

const WEBHOOK = { type: 'webhook', url: 'https://hooks.acme.example/budget' };

/** Budgets and calls for a scene of the worker contract: some thresholds of a past month and of past days are passed. */
export async function furnishBudgets(database: TestDatabase, tenantId: string, otherId: string): Promise<void> {
  for (const [at, id] of [tenantId, otherId].entries()) {
    await database.admin(
      `insert into public.cost_budgets (tenant_id, budget_id, project, monthly_limit_usd, daily_limit_usd, channels, created_at)
       values ($1, $2, null, 100, 30, $4, '2026-01-01'), ($1, $3, 'atlas', 40, null, '[]', '2026-01-01')`,
      [
        id,
        `20000000-0000-4000-8000-00000000000${at}`,
        `20000000-0000-4000-8000-00000000001${at}`,
        JSON.stringify([WEBHOOK]),
      ],
    );
    await database.admin(
      `insert into public.cost_logs (tenant_id, id, project_id, model, provider, operation, total_cost_usd, "timestamp")
       select $1, ('30000000-0000-4000-8000-0000000000' || 10 + n)::uuid, case when n % 2 = 0 then 'atlas' else 'default' end, 'm', 'p', 'query', 19,
              '2026-03-01T10:00:00Z'::timestamptz + n * interval '11 hours' from generate_series(0, 4) n`,
      [id],
    );
  }
}
