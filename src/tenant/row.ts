import type { Row } from '../db/database.ts';
import type { Placement, Tenant, TenantStatus } from './tenant.ts';

/** A tenant as the statements of registry.sql give it. */
export interface TenantRow extends Row {
  readonly tenant_id: string;
  readonly name: string;
  readonly plan: string;
  readonly status: TenantStatus;
  readonly shard: string;
  readonly placement: Placement | null;
  readonly dedicated: boolean;
  readonly placement_epoch: number;
  readonly weight: number | null;
  readonly run_cap: number | null;
  readonly effective_weight: number;
  readonly effective_run_cap: number;
  readonly config: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
  readonly contact_email: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** The row in the words of the code. */
export function tenantOf(row: TenantRow): Tenant {
  return {
    tenantId: row.tenant_id,
    name: row.name,
    plan: row.plan,
    status: row.status,
    shard: row.shard,
    placement: row.placement ?? undefined,
    placed: row.dedicated ? 'dedicated' : row.placement === 'quarantine' ? 'quarantine' : 'shared',
    placementEpoch: row.placement_epoch,
    weight: row.weight ?? undefined,
    runCap: row.run_cap ?? undefined,
    share: { weight: row.effective_weight, runCap: row.effective_run_cap },
    settings: row.config,
    metadata: row.metadata,
    contactEmail: row.contact_email ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
