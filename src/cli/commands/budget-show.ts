import type { Budget, BudgetLimit } from '../../tenant/budget-book.ts';
import { BudgetBook } from '../../tenant/budget-book.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { option, tenantId, text } from '../option.ts';
import { RemoteBudgets } from '../remote-money.ts';
import { table } from '../table.ts';

interface Line {
  readonly budget: Budget;
  readonly limit: BudgetLimit | undefined;
}

/** A tenant's budgets limit by limit. */
export function budgetText(budgets: readonly Budget[], call: Call): string {
  const lines = budgets.flatMap((budget): Line[] =>
    budget.limits.length === 0 ? [{ budget, limit: undefined }] : budget.limits.map((limit) => ({ budget, limit })),
  );
  return table<Line>(
    [
      { title: 'BUDGET OF', value: ({ budget }) => budget.project ?? 'all of the tenant', shrinks: true },
      { title: 'LIMIT', value: ({ limit }) => (limit === undefined ? 'none' : `${limit.limit} ${limit.meter}`) },
      { title: 'SINCE', value: ({ limit }) => limit?.period },
      { title: 'SPENT', value: ({ limit }) => limit?.spent, align: 'right' },
      { title: 'RESERVED', value: ({ limit }) => limit?.reserved, align: 'right' },
      {
        title: 'LEFT',
        value: ({ limit }) => limit?.remaining,
        align: 'right',
        tone: ({ limit }) => (limit !== undefined && Number(limit.remaining) <= 0 ? 'bad' : undefined),
      },
      { title: 'USED UP ON', value: ({ limit }) => limit?.exhausted_on ?? undefined },
      { title: 'ALERTED', value: ({ limit }) => limit?.alerted.join(' ') || undefined },
      { title: 'THEN', value: ({ budget }) => budget.action_on_exceed },
      { title: 'ZONE', value: ({ budget }) => budget.time_zone },
    ],
    lines,
    call.out.look,
  );
}

export const budgetShow: Command = {
  overApi: true,
  name: 'show',
  does: 'Shows what a tenant and its projects may spend, and what of it is spent and reserved at this moment.',
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [option('--project <name>', 'only the budget of this project', text)],
  examples: ['rae budget show --tenant 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10'],
  run: async (call) => {
    const { tenant, project } = call.options<{ readonly tenant: string; readonly project?: string }>();
    await knownTenant(call, tenant);
    const book = call.remote === undefined ? new BudgetBook(call.connection.tenants) : new RemoteBudgets(call.remote);
    const all = await book.list(tenant);
    const budgets = project === undefined ? all : all.filter((budget) => budget.project === project);
    return {
      json: { tenant_id: tenant, budgets },
      text: () => (budgets.length === 0 ? 'no budget is set: nothing limits what is spent' : budgetText(budgets, call)),
    };
  },
};
