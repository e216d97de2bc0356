import { z } from 'zod';
import { DAY } from '../kernel/duration.ts';
import { RaeError } from '../kernel/errors.ts';
import type { TenantFigures } from '../ledger/tenant-figures.ts';
import { EXPOSITION_TYPE } from '../observe/exposition.ts';
import { QUOTA_NAMES } from '../tenant/quota.ts';
import { type QuotaBook, withUse } from '../tenant/quota-book.ts';
import { USAGE_PARTS, type UsageBook } from '../tenant/usage-book.ts';
import { GIVEN_DAY } from './instant.ts';
import { PROJECT, projectOf } from './project.ts';
import { type Route, route } from './route.ts';
import { tenantMetrics } from './tenant-metrics.ts';

const DATE = GIVEN_DAY.optional();
const USAGE = z.object({ cost_usd: z.string(), tokens: z.string(), calls: z.int(), unknown_calls: z.int() });

const AMOUNT = z.number().nullable();
/** A quota of a tenant. */
export const QUOTA = z.object({
  quota: z.enum(QUOTA_NAMES),
  limit: AMOUNT.describe('null: none'),
  by: z.enum(['plan', 'operator']),
  used: z.number().nullable().describe('null where it is not counted here'),
  remaining: AMOUNT,
});

/** What usage is read from. */
export interface UsageBooks {
  readonly usage: UsageBook;
  readonly figures: TenantFigures;
  readonly quotas: QuotaBook;
  /** How many calls of the API a tenant has made within the present minute. */
  readonly calls: (tenantId: string) => Promise<number>;
}

/** What a tenant has used. */
export function usageRoutes({ usage, figures, quotas, calls }: UsageBooks): readonly Route[] {
  const show = route({
    method: 'GET',
    path: '/v1/usage',
    does: 'Shows what calls of models cost, over whole days of UTC (default: the present month), and how much of each quota is used now.',
    permission: 'usage:read',
    projects: true,
    query: z.strictObject({
      by: z.enum(USAGE_PARTS).default('model').describe('what it is divided by'),
      from: DATE.describe('the first day'),
      to: DATE.describe('the day after the last'),
      project: PROJECT.optional(),
    }),
    status: 200,
    answer: z.object({
      from: z.string(),
      to: z.string(),
      by: z.enum(USAGE_PARTS),
      project: z.string().nullable(),
      total: USAGE,
      parts: z.array(USAGE.extend({ part: z.string(), saved_usd: z.string() })),
      quotas: z.array(QUOTA).describe('those of the tenant; none where the credential is for one project alone'),
    }),
    run: async ({ principal, query: { by, from, to, project: given }, now }) => {
      const project = projectOf(principal, given);
      const span = {
        project,
        from: from === undefined ? new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)) : new Date(from),
        to: to === undefined ? new Date(Math.floor(now.getTime() / DAY) * DAY + DAY) : new Date(to),
      };
      if (span.from >= span.to) throw new RaeError('RAE_USAGE', 'the query is wrong: from is not before to');
      const { total, parts } = await usage.usage(principal.tenantId, span, by);
      const [first, last] = [span.from.toISOString().slice(0, 10), span.to.toISOString().slice(0, 10)];
      const own = principal.project === undefined ? await quotas.list(principal.tenantId) : [];
      const called = own.length === 0 ? 0 : await calls(principal.tenantId);
      const used = own.map((one) => (one.quota === 'max_api_calls_per_minute' ? withUse(one, called) : one));
      return { body: { from: first, to: last, by, project: project ?? null, total, parts, quotas: used } };
    },
  });
  const measured = route({
    method: 'GET',
    path: '/v1/metrics',
    does: "Gives this tenant's own figures as Prometheus reads them: runs, memories, this month's costs.",
    permission: 'usage:read',
    status: 200,
    media: EXPOSITION_TYPE,
    answer: z.string(),
    run: async ({ principal, now }) => ({ body: await tenantMetrics(figures, principal.tenantId, now) }),
  });
  return [show, measured];
}
