import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Row } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./budget-book.sql', import.meta.url), ['set', 'remove', 'list', 'allows']);

/** What budgets limit. */
export const BUDGET_METERS = ['daily_usd', 'monthly_usd', 'daily_tokens', 'monthly_tokens'] as const;

/** Whether something may be spent. */
export interface BudgetAnswer extends Row {
  readonly allowed: boolean;
  readonly reason: string;
  /** What the tightest limit leaves, as text; null = nothing limits it. */
  readonly remaining_usd: string | null;
}

/** A limit of a budget in its present period. Amounts are exact, as text: dollars or tokens. */
export interface BudgetLimit {
  readonly meter: (typeof BUDGET_METERS)[number];
  readonly period: string;
  readonly from: string;
  readonly to: string;
  readonly limit: string;
  readonly spent: string;
  readonly reserved: string;
  /** Less than nothing where more was spent than the limit. */
  readonly remaining: string;
  /** Calls without a known price: their tokens count, their dollars do not yet. */
  readonly unknown_calls: number;
  readonly burn_rate_per_day: string | null;
  /** The local date on which nothing will be left; null = not within the period, at the pace so far. */
  readonly exhausted_on: string | null;
  /** The thresholds that have alerted in this period. */
  readonly alerted: readonly number[];
}

/** A budget of a tenant. `project` null = of all the tenant. */
export interface Budget extends Row {
  readonly budget_id: string;
  readonly project: string | null;
  readonly monthly_limit_usd: string | null;
  readonly daily_limit_usd: string | null;
  readonly monthly_tokens_limit: string | null;
  readonly daily_tokens_limit: string | null;
  readonly alert_thresholds: readonly number[];
  readonly action_on_exceed: 'block' | 'alert_only';
  readonly time_zone: string;
  readonly channels: readonly Readonly<Record<string, unknown>>[];
  readonly version: number;
  readonly limits: readonly BudgetLimit[];
}

/** The budgets of tenants. Acts as `rae_api` inside the tenant, which the caller has found to be there. */
export class BudgetBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** The tenant's budgets with what is spent of each; that of all the tenant first. */
  async list(tenantId: string): Promise<readonly Budget[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<Budget>(sql.list, [tenantId]));
  }

  /**
   * Makes or changes a budget: a field that is left out stays as it is, null gives it its default.
   * @throws RaeError `RAE_USAGE` with what is wrong with a field.
   */
  async set(tenantId: string, project: string | null, fields: unknown, author: Author = OPERATOR): Promise<Budget> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      let before: unknown;
      try {
        const [set] = await tx.rows<{ before: unknown }>(sql.set, [JSON.stringify(fields), project]);
        before = set?.before;
      } catch (error) {
        if (sqlStateOf(error) !== '22023') throw error;
        const hint = (error as { readonly hint?: string }).hint;
        throw new RaeError('RAE_USAGE', messageOf(error), { hint: hint === '' ? undefined : hint, cause: error });
      }
      const budgets = await tx.rows<Budget>(sql.list, [tenantId]);
      const stored = budgets.find((budget) => budget.project === project);
      if (stored === undefined) throw new RaeError('RAE_INTERNAL', 'the budget was not stored');
      await enter(tx, author, 'budget.set', { project, before, after: harmless(stored) });
      return stored;
    });
  }

  /** Whether an amount may be spent now. What cannot be found out is a no. @param estimate dollars, as text */
  async allows(tenantId: string, estimate: string, project: string | undefined): Promise<BudgetAnswer> {
    const [answer] = await this.#tenants.inTenant(tenantId, (tx) =>
      tx.rows<BudgetAnswer>(sql.allows, [estimate, project ?? null]),
    );
    return answer ?? { allowed: false, reason: 'check_failed', remaining_usd: null };
  }

  /** Removes a budget; its alerts stay recorded. @throws RaeError `RAE_NOT_FOUND` */
  async remove(tenantId: string, project: string | null, author: Author = OPERATOR): Promise<string> {
    const removed = await this.#tenants.inTenant(tenantId, async (tx) => {
      const [gone] = await tx.rows<{ budget_id: string }>(sql.remove, [tenantId, project]);
      if (gone !== undefined) await enter(tx, author, 'budget.removed', { project });
      return gone;
    });
    if (removed !== undefined) return removed.budget_id;
    const whose = project === null ? 'the tenant has no budget of its own' : `the project "${project}" has no budget`;
    throw new RaeError('RAE_NOT_FOUND', whose, { hint: 'see what there is with: rae budget show --tenant ID' });
  }
}

/** A budget as the audit log keeps it: without its channels, whose addresses may carry secrets. */
function harmless({ channels: _channels, limits: _limits, budget_id: _id, project: _project, ...rest }: Budget) {
  return rest;
}
