import { z } from 'zod';
import { onboard } from '../access/onboarding.ts';
import type { TenantRegistry } from '../tenant/registry.ts';
import { PLACEMENTS, TENANT_STATUSES, type Tenant } from '../tenant/tenant.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';

const PARAMS = z.strictObject({ tenant_id: z.uuid() });
const TENANT = z.object({
  tenant_id: z.uuid(),
  name: z.string(),
  plan: z.string(),
  status: z.enum(TENANT_STATUSES),
  shard: z.string(),
  placed: z.enum(PLACEMENTS),
  created_at: z.iso.datetime(),
});
/** Tenants, as operators make and see them: no contents of any. */
export function tenantRoutes(registry: TenantRegistry): readonly Route[] {
  return [made(registry), listed(registry), shown(registry), ...changed(registry)];
}

const made = (registry: TenantRegistry) =>
  operatorRoute({
    method: 'POST',
    path: '/v1/tenants',
    does: 'Makes a tenant with its first project, admin and API key, which is shown this once. With an external id it may be sent again.',
    permission: 'tenants:manage',
    body: z.strictObject({
      name: z.string().min(1).max(255),
      plan: z.string().min(1).max(100).default('free'),
      admin_email: z.string().max(255).optional(),
      external_id: z.string().min(1).max(255).optional(),
      metadata: z.record(z.string(), z.unknown()).optional(),
    }),
    status: 201,
    answer: TENANT.extend({ project_id: z.uuid(), api_key: z.string().nullable(), created: z.boolean() }),
    otherwise: { 200: 'a tenant of this external id was there; it is as it was' },
    run: async ({ author, body: { admin_email: adminEmail, external_id: externalId, ...rest } }) => {
      const {
        tenant,
        project,
        apiKey,
        made: isNew,
      } = await onboard(registry, { ...rest, adminEmail, externalId }, author);
      return {
        status: isNew ? 201 : 200,
        headers: { location: `/v1/tenants/${tenant.tenantId}` },
        body: { ...told(tenant), project_id: project.projectId, api_key: apiKey ?? null, created: isNew },
      };
    },
  });

const listed = (registry: TenantRegistry) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/tenants',
    does: 'Lists tenants in the order of their ids.',
    permission: 'tenants:manage',
    query: z.strictObject({
      ...PAGE,
      status: z.enum(TENANT_STATUSES).optional(),
      plan: z.string().min(1).max(100).optional(),
    }),
    status: 200,
    answer: z.object({ tenants: z.array(TENANT), next: z.string().nullable() }),
    run: async ({ query: { cursor, ...page } }) => {
      const [after] = placeOf(FLEET, cursor, [z.uuid()]);
      const { tenants, next } = await registry.list({ ...page, after });
      return { body: { tenants: tenants.map(told), next: next === undefined ? null : cursorOf(FLEET, [next]) } };
    },
  });

const shown = (registry: TenantRegistry) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/tenants/{tenant_id}',
    does: 'Shows one tenant.',
    permission: 'tenants:manage',
    params: PARAMS,
    status: 200,
    answer: TENANT,
    run: async ({ params }) => ({ body: told(await registry.show(params.tenant_id)) }),
  });

const changed = (registry: TenantRegistry) =>
  (['suspend', 'resume'] as const).map((verb) =>
    operatorRoute({
      method: 'POST',
      path: `/v1/tenants/{tenant_id}:${verb}`,
      does:
        verb === 'suspend'
          ? 'No more work is done for the tenant; what it has stays.'
          : 'The tenant is worked for again.',
      permission: 'tenants:manage',
      params: PARAMS,
      status: 200,
      answer: TENANT,
      run: async ({ params, author }) => ({ body: told((await registry[verb](params.tenant_id, author)).tenant) }),
    }),
  );

function told({ tenantId, name, plan, status, shard, placed, createdAt }: Tenant) {
  return { tenant_id: tenantId, name, plan, status, shard, placed, created_at: createdAt };
}
