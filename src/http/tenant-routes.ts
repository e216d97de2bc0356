import { z } from 'zod';
import { onboard } from '../access/onboarding.ts';
import type { TenantRegistry } from '../tenant/registry.ts';
import { PLACEMENTS, TENANT_STATUSES, type TenantChange } from '../tenant/tenant.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';
import { PROJECTS, TENANT, toldProjects, toldTenant } from './told-tenant.ts';

const PARAMS = z.strictObject({ tenant_id: z.uuid() });
const CHANGED = TENANT.extend({ changed: z.boolean().describe('false: it already was so') });

/** Tenants, as operators make, see and change them: no contents of any. */
export function tenantRoutes(registry: TenantRegistry): readonly Route[] {
  return [made(registry), listed(registry), shown(registry), ...changed(registry), ...set(registry)];
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
    answer: TENANT.extend({
      project_id: z.uuid(),
      project: z.string(),
      api_key: z.string().nullable(),
      created: z.boolean(),
    }),
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
        body: {
          ...toldTenant(tenant),
          project_id: project.projectId,
          project: project.name,
          api_key: apiKey ?? null,
          created: isNew,
        },
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
      return { body: { tenants: tenants.map(toldTenant), next: next === undefined ? null : cursorOf(FLEET, [next]) } };
    },
  });

const shown = (registry: TenantRegistry) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/tenants/{tenant_id}',
    does: 'Shows one tenant and its projects.',
    permission: 'tenants:manage',
    params: PARAMS,
    status: 200,
    answer: TENANT.extend({ projects: PROJECTS }),
    run: async ({ params: { tenant_id: id } }) => {
      const tenant = await registry.show(id);
      return { body: { ...toldTenant(tenant), projects: toldProjects(await registry.projects(id)) } };
    },
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
      answer: CHANGED,
      run: async ({ params, author }) => answerOf(await registry[verb](params.tenant_id, author)),
    }),
  );

/** One thing about a tenant that operators set; asked for again it changes nothing. */
function set(registry: TenantRegistry): readonly Route[] {
  const common = { method: 'PUT', permission: 'tenants:manage', params: PARAMS, status: 200, answer: CHANGED } as const;
  const plan = operatorRoute({
    ...common,
    path: '/v1/tenants/{tenant_id}/plan',
    does: 'Gives a tenant another plan: its weight, its cap and, unless it was placed by hand, its queues.',
    body: z.strictObject({ plan: z.string().min(1).max(100) }),
    run: async ({ params, author, body }) => answerOf(await registry.setPlan(params.tenant_id, body.plan, author)),
  });
  const placement = operatorRoute({
    ...common,
    path: '/v1/tenants/{tenant_id}/placement',
    does: "Says where a tenant's runs wait: in shared queues, in queues of its own, in quarantine, or as its plan says.",
    body: z.strictObject({ placement: z.enum([...PLACEMENTS, 'by-plan']) }),
    run: async ({ params, author, body }) => {
      const where = PLACEMENTS.find((one) => one === body.placement);
      return answerOf(await registry.place(params.tenant_id, where, author));
    },
  });
  const share = operatorRoute({
    ...common,
    path: '/v1/tenants/{tenant_id}/share',
    does: "Sets a tenant's weight against others and its cap on runs at once, apart from its plan; dispatch follows at once.",
    body: z
      .strictObject({ weight: z.number().nullable(), run_cap: z.int().nullable() })
      .partial()
      .describe('a field that is left out stays as it is; null gives it back to the plan'),
    run: async ({ params, author, body: { weight, run_cap: runCap } }) =>
      answerOf(await registry.setShare(params.tenant_id, { weight, runCap }, author)),
  });
  return [plan, placement, share];
}

function answerOf({ tenant, changed: isChanged }: TenantChange) {
  return { body: { ...toldTenant(tenant), changed: isChanged } };
}
