import type { Queryable, Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';

const sql = loadStatements(new URL('./plan.sql', import.meta.url), ['plans']);

/** What a tenant's plan gives it. */
export interface Plan {
  readonly name: string;
  /** Queues of its own unless the tenant is placed otherwise. */
  readonly dedicated: boolean;
}

interface PlanRow extends Row {
  readonly plan: string;
  readonly dedicated: boolean;
}

/**
 * The plan called `name`.
 * @throws RaeError `RAE_USAGE` with the nearest plan there is.
 */
export async function planNamed(database: Queryable, name: string): Promise<Plan> {
  const rows = await database.rows<PlanRow>(sql.plans);
  const found = rows.find(({ plan }) => plan === name);
  if (found !== undefined) return { name: found.plan, dedicated: found.dedicated };
  const names = rows.map(({ plan }) => plan);
  const near = nearest(name, names);
  throw new RaeError('RAE_USAGE', `there is no plan ${JSON.stringify(name.slice(0, 60))}`, {
    hint: near === undefined ? `there are: ${names.join(', ')}` : `did you mean ${near}?`,
  });
}
