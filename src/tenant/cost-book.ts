import type { Queryable, Row } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { type ErrorCode, messageOf, RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./cost-book.sql', import.meta.url), ['log', 'settle', 'find']);

/** A call as it was logged. Money is text: no digit is lost. */
export interface LoggedCost extends Row {
  readonly cost_id: string;
  /** Null = no price of the model is known yet. */
  readonly total_cost_usd: string | null;
}

/** What rae_budget_settle says of a reservation, in our codes. */
const OF_STATE: Readonly<Record<string, ErrorCode>> = {
  '22023': 'RAE_USAGE',
  '55000': 'RAE_REFUSED',
  P0002: 'RAE_NOT_FOUND',
};

/** What tenants' calls of models cost, as API servers log it. Acts as `rae_api` inside the tenant. */
export class CostBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** Logs a call under an id; one that is there stays as it is. @param cost columns of cost_logs by name */
  async log(tenantId: string, id: string, cost: Row): Promise<LoggedCost> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      await tx.rows(sql.log, [tenantId, id, JSON.stringify(cost)]);
      return found(tx, tenantId, id);
    });
  }

  /** Logs a call that was reserved for. @throws RaeError `RAE_NOT_FOUND`, `RAE_REFUSED` (settled otherwise, lapsed), `RAE_USAGE` */
  async settle(tenantId: string, reservation: string, cost: Row): Promise<LoggedCost> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      try {
        await tx.rows(sql.settle, [reservation, JSON.stringify(cost)]);
      } catch (error) {
        const code = OF_STATE[sqlStateOf(error) ?? ''];
        if (code === undefined) throw error;
        const hint = (error as { readonly hint?: string }).hint;
        throw new RaeError(code, messageOf(error), { hint, cause: error });
      }
      return found(tx, tenantId, reservation);
    });
  }
}

async function found(tx: Queryable, tenantId: string, id: string): Promise<LoggedCost> {
  const [row] = await tx.rows<LoggedCost>(sql.find, [tenantId, id]);
  if (row === undefined) throw new RaeError('RAE_INTERNAL', 'the cost was not logged');
  return row;
}
