import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Database, Queryable, Row } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';
import { QUOTA_NAMES, type Quota, type QuotaChange, type TenantQuota } from './quota.ts';

const sql = loadStatements(new URL('./quota-book.sql', import.meta.url), ['list', 'used', 'set', 'leaveToPlan']);

type LimitRow = Row & { readonly quota: Quota; readonly limit_value: number | null; readonly by_operator: boolean };
type UsedRow = Row & Readonly<Record<'memories' | 'bytes' | 'backlog' | 'enqueues', number>>;

/** What tenants may have, and how much of it they use. Reads as `rae_api` inside the tenant. */
export class QuotaBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** Every quota of a tenant, as of now. */
  async list(tenantId: string): Promise<readonly TenantQuota[]> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const limits = await limitsOf(tx, tenantId);
      const [used] = await tx.rows<UsedRow>(sql.used, [tenantId]);
      return limits.map((one) => withUse(one, usedOf(one.quota, used)));
    });
  }

  /** One limit of a tenant; null = none. */
  async limit(tenantId: string, quota: Quota): Promise<number | null> {
    const limits = await this.#tenants.inTenant(tenantId, (tx) => limitsOf(tx, tenantId));
    return limits.find((one) => one.quota === quota)?.limit ?? null;
  }
}

/**
 * Sets quotas of a tenant apart from its plan, or gives them back to it; what is asked for next follows. As `rae_operator`.
 * @throws RaeError `RAE_USAGE` for a limit that cannot be.
 */
export async function setQuotas(
  database: Database,
  tenantId: string,
  change: QuotaChange,
  author: Author = OPERATOR,
): Promise<void> {
  const entries = Object.entries(change) as [Quota, number | null | 'by-plan'][];
  for (const [quota, value] of entries) checkLimit(quota, value);
  await database.transaction(async (tx) => {
    const before = await limitsOf(tx, tenantId);
    for (const [quota, value] of entries) {
      if (value === 'by-plan') await tx.rows(sql.leaveToPlan, [tenantId, quota]);
      else await tx.rows(sql.set, [tenantId, quota, value]);
    }
    const after = await limitsOf(tx, tenantId);
    const [was, is] = [limitsByName(before, change), limitsByName(after, change)];
    await enter(tx, author, 'tenant.quota_set', { before: was, after: is });
  }, enteringTenant(tenantId));
}

async function limitsOf(tx: Queryable, tenantId: string): Promise<readonly TenantQuota[]> {
  const rows = await tx.rows<LimitRow>(sql.list, [tenantId]);
  return QUOTA_NAMES.map((quota) => {
    const row = rows.find((one) => one.quota === quota);
    return {
      quota,
      limit: row?.limit_value ?? null,
      by: row?.by_operator === true ? 'operator' : 'plan',
      used: null,
      remaining: null,
    };
  });
}

/** A quota of which so much is used; null = nobody knows. */
export function withUse(quota: TenantQuota, used: number | null): TenantQuota {
  const { limit } = quota;
  return { ...quota, used, remaining: limit === null || used === null ? null : Math.max(0, limit - used) };
}

function limitsByName(limits: readonly TenantQuota[], change: QuotaChange) {
  return Object.fromEntries(limits.filter(({ quota }) => quota in change).map(({ quota, limit }) => [quota, limit]));
}

function usedOf(quota: Quota, used: UsedRow | undefined): number | null {
  switch (quota) {
    case 'max_memories':
      return used?.memories ?? 0;
    case 'max_storage_gb':
      return (used?.bytes ?? 0) / 1e9;
    case 'max_backlog':
      return used?.backlog ?? 0;
    case 'max_enqueues_per_minute':
      return used?.enqueues ?? 0;
    case 'max_api_calls_per_minute':
      return null;
  }
}

function checkLimit(quota: Quota, value: number | null | 'by-plan'): void {
  if (!QUOTA_NAMES.includes(quota)) throw new RaeError('RAE_USAGE', `there is no quota ${JSON.stringify(quota)}`);
  if (value === null || value === 'by-plan') return;
  const fits = quota === 'max_storage_gb' ? Number(value.toFixed(3)) === value : Number.isInteger(value);
  if (fits && value >= 0 && value <= 1e12) return;
  throw new RaeError('RAE_USAGE', `${quota} is ${value}; expected a number from 0 to 1e12`);
}
