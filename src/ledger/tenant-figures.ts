import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';

const sql = loadStatements(new URL('./tenant-figures.sql', import.meta.url), ['runs', 'memories', 'month']);

/** Figures for watching: exact money is in the usage. */
export interface Figures {
  readonly runs: readonly { readonly worker: string; readonly state: string; readonly count: number }[];
  readonly memories: number;
  readonly month: { readonly usd: number; readonly tokens: number; readonly unknownCalls: number };
}

/** What one tenant has, counted when it is asked. Acts as `rae_api` inside the tenant. */
export class TenantFigures {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  async read(tenantId: string, now: Date): Promise<Figures> {
    const begin = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const runs = await tx.rows<{ worker: string; state: string; count: number }>(sql.runs, [tenantId]);
      const [memories] = await tx.rows<{ count: number }>(sql.memories, [tenantId]);
      type Month = { usd: number | null; tokens: number | null; unknown_calls: number | null };
      const [month] = await tx.rows<Month>(sql.month, [begin, now]);
      return {
        runs,
        memories: memories?.count ?? 0,
        month: { usd: month?.usd ?? 0, tokens: month?.tokens ?? 0, unknownCalls: month?.unknown_calls ?? 0 },
      };
    });
  }
}
