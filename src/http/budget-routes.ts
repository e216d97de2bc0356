import { z } from 'zod';
import { BUDGET_METERS, type BudgetBook } from '../tenant/budget-book.ts';
import { PROJECT, projectOf } from './project.ts';
import { type Route, route } from './route.ts';

const AMOUNT = z.union([
  z.number().nonnegative(),
  z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected an amount such as "0.05"'),
]);
const WHOSE = z.strictObject({
  project: PROJECT.optional().describe('the budget of this project; left out, that of all the tenant'),
});
const LIMIT = z.object({
  meter: z.enum(BUDGET_METERS),
  period: z.string(),
  from: z.string(),
  to: z.string(),
  limit: z.string(),
  spent: z.string(),
  reserved: z.string(),
  remaining: z.string(),
  unknown_calls: z.int(),
  burn_rate_per_day: z.string().nullable(),
  exhausted_on: z.string().nullable(),
  alerted: z.array(z.number()),
});
const AMOUNT_SET = z.string().nullable();
const BUDGET = z.object({
  budget_id: z.uuid(),
  project: z.string().nullable(),
  monthly_limit_usd: AMOUNT_SET,
  daily_limit_usd: AMOUNT_SET,
  monthly_tokens_limit: AMOUNT_SET,
  daily_tokens_limit: AMOUNT_SET,
  alert_thresholds: z.array(z.number()),
  action_on_exceed: z.enum(['block', 'alert_only']),
  time_zone: z.string(),
  channels: z.array(z.record(z.string(), z.unknown())),
  version: z.int(),
  limits: z.array(LIMIT),
});
const FIELDS = z
  .strictObject({
    monthly_limit_usd: AMOUNT.nullable(),
    daily_limit_usd: AMOUNT.nullable(),
    monthly_tokens_limit: AMOUNT.nullable(),
    daily_tokens_limit: AMOUNT.nullable(),
    alert_thresholds: z.array(z.number().positive().max(10)).min(1).max(20).nullable(),
    action_on_exceed: z.enum(['block', 'alert_only']).nullable(),
    time_zone: z.string().min(1).max(100).nullable(),
    channels: z.array(z.record(z.string(), z.unknown())).max(20).nullable(),
  })
  .partial()
  .describe('a field that is left out stays as it is; null gives it its default');

/** What a tenant may spend, and whether it may spend some more. */
export function budgetRoutes(budgets: BudgetBook): readonly Route[] {
  const get = route({
    method: 'GET',
    path: '/v1/budget',
    does: 'Shows the budgets of the tenant and its projects, with what is spent, reserved and left at this moment.',
    permission: 'budget:read',
    projects: true,
    query: WHOSE,
    status: 200,
    answer: z.object({ budgets: z.array(BUDGET) }),
    run: async ({ principal, query }) => {
      const project = projectOf(principal, query.project);
      const all = await budgets.list(principal.tenantId);
      return { body: { budgets: project === undefined ? all : all.filter((one) => one.project === project) } };
    },
  });
  const put = route({
    method: 'PUT',
    path: '/v1/budget',
    does: 'Makes or changes the budget of the tenant, or of one project; it counts from the next call on.',
    permission: 'budget:write',
    projects: true,
    query: WHOSE,
    body: FIELDS,
    status: 200,
    answer: BUDGET,
    run: async ({ principal, author, query, body }) => {
      const project = projectOf(principal, query.project) ?? null;
      return { body: await budgets.set(principal.tenantId, project, body, author) };
    },
  });
  return [get, put, removed(budgets), check(budgets)];
}

const removed = (budgets: BudgetBook) =>
  route({
    method: 'DELETE',
    path: '/v1/budget',
    does: 'Takes the budget of the tenant, or of one project, away; its alerts stay recorded.',
    permission: 'budget:write',
    projects: true,
    query: WHOSE,
    status: 200,
    answer: z.object({ budget_id: z.uuid(), removed: z.literal(true) }),
    run: async ({ principal, author, query }) => {
      const project = projectOf(principal, query.project) ?? null;
      return { body: { budget_id: await budgets.remove(principal.tenantId, project, author), removed: true } };
    },
  });

const check = (budgets: BudgetBook) =>
  route({
    method: 'GET',
    path: '/v1/budget/check',
    does: 'Says whether an amount may be spent now: 200 when it may, 402 when it may not. Reserves nothing.',
    permission: 'budget:read',
    projects: true,
    query: z.strictObject({
      estimate_usd: z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected an amount such as 0.05'),
      project: PROJECT.optional(),
    }),
    status: 200,
    answer: z.object({ allowed: z.boolean(), reason: z.string(), remaining_usd: z.string().nullable() }),
    otherwise: { 402: 'the budget does not allow it' },
    run: async ({ principal, query: { estimate_usd: estimate, project } }) => {
      const answer = await budgets.allows(principal.tenantId, estimate, projectOf(principal, project));
      return { status: answer.allowed ? 200 : 402, body: answer };
    },
  });
