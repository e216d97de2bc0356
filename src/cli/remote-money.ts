import type { Budget, BudgetBook } from '../tenant/budget-book.ts';
import type { TenantQuota } from '../tenant/quota.ts';
import type { PartOfUsage, Usage, UsagePart, UsageSpan } from '../tenant/usage-book.ts';
import { queryOf, type Remote } from './remote.ts';

/** The budgets of a tenant, over the API. */
export class RemoteBudgets implements Pick<BudgetBook, 'list' | 'set' | 'remove'> {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(_tenantId: string): Promise<readonly Budget[]> {
    type Told = { readonly budgets: readonly Budget[] };
    return (await this.#remote.ask<Told>({ method: 'GET', path: '/v1/budget' })).budgets;
  }

  async set(_tenantId: string, project: string | null, fields: unknown): Promise<Budget> {
    return this.#remote.ask<Budget>({ method: 'PUT', path: pathOf(project), body: fields });
  }

  async remove(_tenantId: string, project: string | null): Promise<string> {
    type Told = { readonly budget_id: string };
    return (await this.#remote.ask<Told>({ method: 'DELETE', path: pathOf(project) })).budget_id;
  }
}

/** What a tenant used, over the API. */
export class RemoteUsage {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async usage({ project, from, to }: UsageSpan, by: UsagePart) {
    type Told = { total: Usage; parts: readonly PartOfUsage[]; quotas: readonly TenantQuota[] };
    const [first, last] = [from, to].map((at) => at.toISOString().slice(0, 10));
    const path = `/v1/usage${queryOf({ by, project, from: first, to: last })}`;
    return this.#remote.ask<Told>({ method: 'GET', path });
  }
}

function pathOf(project: string | null): string {
  return `/v1/budget${queryOf({ project: project ?? undefined })}`;
}
