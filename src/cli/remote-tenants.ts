import type { Onboarded } from '../access/onboarding.ts';
import type { NewTenant } from '../tenant/new-tenant.ts';
import type { QuotaChange, TenantQuota } from '../tenant/quota.ts';
import type { Project, TenantPage, TenantRegistry } from '../tenant/registry.ts';
import type { ShareChange } from '../tenant/share.ts';
import type { Placement, Tenant, TenantChange, TenantStatus } from '../tenant/tenant.ts';
import { queryOf, type Remote } from './remote.ts';

type By = 'plan' | 'operator';
interface ToldTenant {
  readonly tenant_id: string;
  readonly name: string;
  readonly plan: string;
  readonly status: TenantStatus;
  readonly placement: Placement;
  readonly placement_by: By;
  readonly placement_epoch: number;
  readonly weight: number;
  readonly weight_by: By;
  readonly run_cap: number;
  readonly run_cap_by: By;
  readonly shard: string;
  readonly contact_email: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly settings: Tenant['settings'];
  readonly metadata: Tenant['metadata'];
}
type ToldChange = ToldTenant & { readonly changed: boolean };

/** What commands do with tenants, wherever those are. */
export type Tenants = Pick<
  TenantRegistry,
  'show' | 'projects' | 'list' | 'suspend' | 'resume' | 'setPlan' | 'place' | 'setShare'
>;

/** All tenants, over the API. */
export class RemoteTenants implements Tenants {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async create({ adminEmail, ...rest }: NewTenant, externalId: string | undefined): Promise<Onboarded> {
    type Told = ToldTenant & { project_id: string; project: string; api_key: string | null; created: boolean };
    const body = { ...rest, admin_email: adminEmail, external_id: externalId };
    const told = await this.#remote.ask<Told>({ method: 'POST', path: '/v1/tenants', body });
    return {
      tenant: tenantFrom(told),
      project: { projectId: told.project_id, name: told.project },
      apiKey: told.api_key ?? undefined,
      made: told.created,
    };
  }

  async show(tenantId: string): Promise<Tenant> {
    return tenantFrom(await this.#remote.ask<ToldTenant>({ method: 'GET', path: pathOf(tenantId) }));
  }

  async projects(tenantId: string): Promise<readonly Project[]> {
    type Told = { readonly projects: readonly { readonly project_id: string; readonly name: string }[] };
    const { projects } = await this.#remote.ask<Told>({ method: 'GET', path: pathOf(tenantId) });
    return projects.map(({ project_id: projectId, name }) => ({ projectId, name }));
  }

  async list({ after, status, plan, limit }: TenantPage) {
    type Page = { readonly tenants: readonly ToldTenant[]; readonly next: string | null };
    const tenants: Tenant[] = [];
    // A cursor is the place behind a tenant; the API makes its own, and this one is made as it makes them.
    let cursor = after === undefined ? undefined : cursorAfter(after);
    for (;;) {
      const most = Math.min(limit - tenants.length, 999);
      const path = `/v1/tenants${queryOf({ status, plan, cursor, limit: most })}`;
      const page: Page = await this.#remote.ask<Page>({ method: 'GET', path });
      tenants.push(...page.tenants.map(tenantFrom));
      const next = page.next === null ? undefined : tenants.at(-1)?.tenantId;
      if (next === undefined || tenants.length >= limit) return { tenants, next };
      cursor = page.next ?? undefined;
    }
  }

  async suspend(tenantId: string): Promise<TenantChange> {
    return this.#change('POST', `${pathOf(tenantId)}:suspend`);
  }

  async resume(tenantId: string): Promise<TenantChange> {
    return this.#change('POST', `${pathOf(tenantId)}:resume`);
  }

  async setPlan(tenantId: string, plan: string): Promise<TenantChange> {
    return this.#change('PUT', `${pathOf(tenantId)}/plan`, { plan });
  }

  async place(tenantId: string, placement: Placement | undefined): Promise<TenantChange> {
    return this.#change('PUT', `${pathOf(tenantId)}/placement`, { placement: placement ?? 'by-plan' });
  }

  async setShare(tenantId: string, { weight, runCap }: ShareChange): Promise<TenantChange> {
    return this.#change('PUT', `${pathOf(tenantId)}/share`, { weight, run_cap: runCap });
  }

  async setQuotas(tenantId: string, change: QuotaChange): Promise<readonly TenantQuota[]> {
    type Told = { readonly quotas: readonly TenantQuota[] };
    const request = { method: 'PUT', path: `${pathOf(tenantId)}/quotas`, body: change } as const;
    return (await this.#remote.ask<Told>(request)).quotas;
  }

  async #change(method: 'POST' | 'PUT', path: string, body?: unknown): Promise<TenantChange> {
    const { changed, ...tenant } = await this.#remote.ask<ToldChange>({ method, path, body });
    return { tenant: tenantFrom(tenant), changed };
  }
}

function pathOf(tenantId: string): string {
  return `/v1/tenants/${tenantId}`;
}

function cursorAfter(tenantId: string): string {
  return Buffer.from(JSON.stringify(['fleet', tenantId])).toString('base64url');
}

function tenantFrom(told: ToldTenant): Tenant {
  const { tenant_id: tenantId, name, plan, status, shard, placement, weight, run_cap: runCap } = told;
  const { settings, metadata, contact_email: contactEmail } = told;
  const own = <T>(value: T, by: By) => (by === 'operator' ? value : undefined);
  return {
    ...{ tenantId, name, plan, status, shard, settings, metadata, placed: placement },
    placement: own(placement, told.placement_by),
    placementEpoch: told.placement_epoch,
    weight: own(weight, told.weight_by),
    runCap: own(runCap, told.run_cap_by),
    share: { weight, runCap },
    contactEmail: contactEmail ?? undefined,
    createdAt: told.created_at,
    updatedAt: told.updated_at,
  };
}
