import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import { loadCatalogue } from '../../workers/index.ts';
import type { TestDatabase } from './database.ts';
import { executorOn } from './executor.ts';
import { addRun, admittedRun, type RunRow, readRun } from './runs.ts';

let worker: Promise<CataloguedWorker> | undefined;

/** Lets the worker add up what waits for the tenant, as its process does with a ticket. @returns the run at its end */
export async function aggregated(database: TestDatabase, tenantId: string, stepRows = 20_000): Promise<RunRow> {
  worker ??= loadCatalogue().then((catalogue) => catalogue.get('cost-aggregation'));
  const costs = await worker;
  const runId = await addRun(database, tenantId, { worker: costs.name });
  const settings = costs.definition.contract.settings.parse({ step_rows: stepRows });
  const executor = executorOn(database.tenants(), { settings: new Map([[costs.name, settings]]) });
  await executor.execute(costs, await admittedRun(database, runId));
  return await readRun(database, runId);
}

const SUMS = `count(*) as calls, count(*) filter (where error) as errors, count(*) filter (where total_cost_usd is null) as unknown_calls,
  sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(total_tokens) as total_tokens,
  coalesce(sum(round(total_cost_usd, 6)), 0) as cost_usd, count(*) filter (where cache_hit) as cache_hits,
  sum(greatest(cache_tokens_saved, 0)) as tokens_saved, sum(cache_saved_usd) as saved_usd`;
const NAMES = [
  ...['calls', 'errors', 'unknown_calls', 'input_tokens', 'output_tokens', 'total_tokens'],
  ...['cost_usd', 'cache_hits', 'tokens_saved', 'saved_usd'],
];

/** Periods of the rollups, each beside the same as plain SQL over instants. */
const PERIODS = [
  ['hourly', 'hour', `date_trunc('hour', x.at, 'UTC')`],
  ['daily', 'day', `(x.at at time zone 'UTC')::date`],
  ['monthly', 'month', `date_trunc('month', x.at at time zone 'UTC')::date`],
] as const;

/** The groups in which rollups differ from the logs and what retention took out of them, over all tenants; none = exact. */
export async function wrongRollups(database: TestDatabase): Promise<readonly unknown[]> {
  const wrong: unknown[] = [];
  for (const [name, column, period] of PERIODS) {
    wrong.push(
      ...(await database.admin(
        `with parts as (
           select tenant_id, "timestamp" as at, project_id as project, provider, model, operation, ${SUMS}
             from public.cost_logs group by 1, 2, 3, 4, 5, 6
           union all
           select tenant_id, hour, project, provider, model, operation, ${NAMES.join(', ')} from public.cost_adjustments),
         expected as (
           select x.tenant_id, ${period} as period, x.project, x.provider, x.model, x.operation,
                  ${NAMES.map((sum) => `sum(x.${sum}) as ${sum}`).join(', ')}
             from parts x group by 1, 2, 3, 4, 5, 6),
         there as (
           select r.tenant_id, r.${column} as period, r.project, r.provider, r.model, r.operation, ${NAMES.map((sum) => `r.${sum}`).join(', ')}
             from public.cost_rollups_${name} r)
         select '${name}' as rollup, e as expected, t as there
           from expected e full join there t
             on (e.tenant_id, e.period, e.project, e.provider, e.model, e.operation) = (t.tenant_id, t.period, t.project, t.provider, t.model, t.operation)
          where e.tenant_id is null or t.tenant_id is null
             or (${NAMES.map((sum) => `e.${sum}`).join(', ')}) is distinct from (${NAMES.map((sum) => `t.${sum}`).join(', ')})`,
      )),
    );
  }
  return wrong;
}
