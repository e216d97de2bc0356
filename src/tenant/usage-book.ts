import type { Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';

const sql = loadStatements(new URL('./usage-book.sql', import.meta.url), ['total', 'parts']);

/** What usage may be divided by. */
export const USAGE_PARTS = ['model', 'project', 'provider', 'operation', 'day', 'month'] as const;
export type UsagePart = (typeof USAGE_PARTS)[number];

/** What calls cost and took. Money and tokens are text: no digit is lost. */
export interface Usage extends Row {
  readonly cost_usd: string;
  readonly tokens: string;
  readonly calls: number;
  /** Calls whose cost is not known: they add nothing to `cost_usd`. */
  readonly unknown_calls: number;
}

/** The usage of one model, project, …, or day. */
export interface PartOfUsage extends Usage {
  readonly part: string;
  readonly saved_usd: string;
}

/** Whose usage is asked for, and of which whole days of UTC. */
export interface UsageSpan {
  readonly project?: string | undefined;
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
}

/** What tenants spent on calls of models. Acts as `rae_api` inside the tenant; exact at the moment it is asked. */
export class UsageBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** All of it, and its parts, as of one moment. */
  async usage(
    tenantId: string,
    { project, from, to }: UsageSpan,
    by: UsagePart,
  ): Promise<{ readonly total: Usage; readonly parts: readonly PartOfUsage[] }> {
    const day = (at: Date) => at.toISOString().slice(0, 10);
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [total] = await tx.rows<Usage>(sql.total, [project ?? null, from, to]);
      const parts = await tx.rows<PartOfUsage>(sql.parts, [tenantId, project ?? null, day(from), day(to), by]);
      return { total: total ?? { cost_usd: '0.000000', tokens: '0', calls: 0, unknown_calls: 0 }, parts };
    });
  }
}
