import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import { loadCatalogue } from '../../workers/index.ts';
import type { TestDatabase } from './database.ts';
import { executorOn } from './executor.ts';
import { addRun, admittedRun, type RunRow, readRun } from './runs.ts';

/** What a test asks of an execution. */
export type ExecutionRow = {
  readonly number: number;
  readonly trigger_id: string;
  readonly event_id: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly value: number | null;
  readonly actions: readonly Readonly<Record<string, unknown>>[];
};

let worker: Promise<CataloguedWorker> | undefined;

/** Lets the worker consume what waits for the tenant, as its process does with a ticket. @returns the run at its end */
export async function consumed(
  database: TestDatabase,
  tenantId: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<RunRow> {
  worker ??= loadCatalogue().then((catalogue) => catalogue.get('trigger-evaluation'));
  const rules = await worker;
  const runId = await addRun(database, tenantId, { worker: rules.name });
  const given = rules.definition.contract.settings.parse(settings);
  const executor = executorOn(database.tenants(), { settings: new Map([[rules.name, given]]) });
  await executor.execute(rules, await admittedRun(database, runId));
  return await readRun(database, runId);
}

/** What the tenant's rules did, in the order of consumption. */
export async function executionsOf(database: TestDatabase, tenantId: string): Promise<readonly ExecutionRow[]> {
  return await database.admin<ExecutionRow>(
    `select number::int as number, trigger_id, event_id, outcome, reason, detail, value, actions
       from public.trigger_executions where tenant_id = $1 order by number, rule_name`,
    [tenantId],
  );
}
