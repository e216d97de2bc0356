import type { Tenant } from '../tenant/tenant.ts';
import type { Style, Tone } from './style.ts';
import { type Column, details } from './table.ts';

/** An instant for people: to the second, in UTC, and said so. */
export function shownInstant(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** A tenant in the keys of `--json`. */
export function tenantJson(tenant: Tenant): Readonly<Record<string, unknown>> {
  return {
    tenant_id: tenant.tenantId,
    name: tenant.name,
    plan: tenant.plan,
    status: tenant.status,
    placement: tenant.placed,
    placement_by: tenant.placement === undefined ? 'plan' : 'operator',
    placement_epoch: tenant.placementEpoch,
    weight: tenant.share.weight,
    weight_by: tenant.weight === undefined ? 'plan' : 'operator',
    run_cap: tenant.share.runCap,
    run_cap_by: tenant.runCap === undefined ? 'plan' : 'operator',
    shard: tenant.shard,
    contact_email: tenant.contactEmail ?? null,
    created_at: tenant.createdAt.toISOString(),
    updated_at: tenant.updatedAt.toISOString(),
    settings: tenant.settings,
    metadata: tenant.metadata,
  };
}

/** A tenant's weight and cap for people, and who says so. */
export function shownShare({ weight, runCap, share }: Tenant): string {
  const by = (set: number | undefined) => (set === undefined ? 'by its plan' : 'by an operator');
  const runs = share.runCap === 1 ? 'run' : 'runs';
  return `weight ${share.weight} (${by(weight)}), at most ${share.runCap} ${runs} at once (${by(runCap)})`;
}

const TONES: Readonly<Record<Tenant['status'], Tone>> = { active: 'good', suspended: 'warn', deleted: 'bad' };

export const TENANT_COLUMNS: readonly Column<Tenant>[] = [
  { title: 'TENANT', value: ({ tenantId }) => tenantId },
  { title: 'NAME', value: ({ name }) => name, shrinks: true },
  { title: 'PLAN', value: ({ plan }) => plan },
  { title: 'STATUS', value: ({ status }) => status, tone: ({ status }) => TONES[status] },
  { title: 'PLACEMENT', value: ({ placed }) => placed },
  { title: 'CREATED', value: ({ createdAt }) => shownInstant(createdAt) },
];

/** Everything about a tenant, a line each; `further` comes last. */
export function tenantDetails(
  tenant: Tenant,
  style: Style,
  further: readonly (readonly [string, string])[] = [],
): string {
  const by = tenant.placement === undefined ? `by its plan` : 'by an operator';
  return details(
    [
      ['tenant', tenant.tenantId],
      ['name', tenant.name],
      ['plan', tenant.plan],
      ['status', tenant.status],
      ['placement', `${tenant.placed} (${by}; epoch ${tenant.placementEpoch}) on shard ${tenant.shard}`],
      ['share', shownShare(tenant)],
      ['contact', tenant.contactEmail],
      ['created', shownInstant(tenant.createdAt)],
      ['updated', shownInstant(tenant.updatedAt)],
      ...further,
    ],
    style,
  );
}
