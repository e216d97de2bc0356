import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { RaeError } from '../kernel/errors.ts';
import { QUOTA_NAMES } from '../tenant/quota.ts';
import { type QuotaBook, setQuotas } from '../tenant/quota-book.ts';
import type { TenantRegistry } from '../tenant/registry.ts';
import { operatorRoute, type Route } from './route.ts';
import { QUOTA } from './usage-routes.ts';

const LIMIT = z.union([z.number().nonnegative().max(1e12), z.null(), z.literal('by-plan')]);
const PARAMS = z.strictObject({ tenant_id: z.uuid() });
const ANSWER = z.object({ tenant_id: z.uuid(), quotas: z.array(QUOTA) });

/** Where the routes about quotas take what they need from. */
export interface TenantQuotaParts {
  /** As `rae_operator`. */
  readonly database: Database;
  readonly tenants: TenantRegistry;
  readonly quotas: QuotaBook;
}

/** What tenants may have and ask for, as operators see and set it. */
export function tenantQuotaRoutes({ database, tenants, quotas }: TenantQuotaParts): readonly Route[] {
  const path = '/v1/tenants/{tenant_id}/quotas';
  const common = { path, permission: 'tenants:manage', params: PARAMS, status: 200, answer: ANSWER } as const;
  const told = async (id: string) => ({ body: { tenant_id: id, quotas: await quotas.list(id) } });
  const show = operatorRoute({
    ...common,
    method: 'GET',
    does: 'Shows the quotas of a tenant, and how much of each is used now.',
    run: async ({ params: { tenant_id: id } }) => {
      await tenants.show(id);
      return told(id);
    },
  });
  const set = operatorRoute({
    ...common,
    method: 'PUT',
    does: 'Sets what a tenant may have and ask for, apart from its plan; it holds from the next request on.',
    body: z
      .strictObject(Object.fromEntries(QUOTA_NAMES.map((name) => [name, LIMIT.optional()])))
      .describe('null: no limit; "by-plan" gives it back to the plan; what is left out stays as it is'),
    run: async ({ params: { tenant_id: id }, author, body }) => {
      if (Object.keys(body).length === 0)
        throw new RaeError('RAE_USAGE', `nothing to set: give ${QUOTA_NAMES.join(' or ')}`);
      await tenants.show(id);
      await setQuotas(database, id, body, author);
      return told(id);
    },
  });
  return [show, set];
}
