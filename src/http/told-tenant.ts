import { z } from 'zod';
import type { Project } from '../tenant/registry.ts';
import { PLACEMENTS, TENANT_STATUSES, type Tenant } from '../tenant/tenant.ts';

const WHO = z.enum(['plan', 'operator']);
const JSON_OBJECT = z.record(z.string(), z.unknown());

/** A tenant as operators see it. */
export const TENANT = z.object({
  tenant_id: z.uuid(),
  name: z.string(),
  plan: z.string(),
  status: z.enum(TENANT_STATUSES),
  placement: z.enum(PLACEMENTS),
  placed: z.enum(PLACEMENTS).describe('the same as placement'),
  placement_by: WHO,
  placement_epoch: z.int(),
  weight: z.number(),
  weight_by: WHO,
  run_cap: z.int(),
  run_cap_by: WHO,
  shard: z.string(),
  contact_email: z.string().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  settings: JSON_OBJECT,
  metadata: JSON_OBJECT,
});
export const PROJECTS = z.array(z.object({ project_id: z.uuid(), name: z.string() }));

const by = (set: unknown) => (set === undefined ? 'plan' : 'operator');

/** A tenant as the API tells it. */
export function toldTenant(tenant: Tenant): z.input<typeof TENANT> {
  const { tenantId, name, plan, status, placed, placement, shard, share, settings, metadata } = tenant;
  return {
    ...{ tenant_id: tenantId, name, plan, status, placement: placed, placed, shard, settings, metadata },
    ...{ placement_by: by(placement), placement_epoch: tenant.placementEpoch },
    ...{ weight: share.weight, weight_by: by(tenant.weight), run_cap: share.runCap, run_cap_by: by(tenant.runCap) },
    contact_email: tenant.contactEmail ?? null,
    created_at: tenant.createdAt.toISOString(),
    updated_at: tenant.updatedAt.toISOString(),
  };
}

/** A tenant's projects as the API tells them. */
export function toldProjects(projects: readonly Project[]): z.input<typeof PROJECTS> {
  return projects.map(({ projectId, name }) => ({ project_id: projectId, name }));
}
