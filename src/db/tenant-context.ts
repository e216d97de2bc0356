import { RaeError } from '../kernel/errors.ts';
import { isUuid } from '../kernel/ids.ts';
import { arrayLiteral } from './array-literal.ts';
import type { Row, Transaction } from './database.ts';
import { enteringTenant } from './entering-tenant.ts';
import type { Shards } from './shards.ts';
import type { Statement } from './statement.ts';

/**
 * The only way to tenant data. Every use is one transaction on the tenant's shard whose first statement sets the
 * tenant; forced row-level security does the rest.
 */
export class TenantContext {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  /**
   * Runs `work` in one transaction of the tenant: committed when it resolves, rolled back when it throws.
   * @throws RaeError `RAE_TENANT_MISSING` before anything is sent when `tenantId` is not an id.
   */
  async inTenant<T>(tenantId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const shard = await this.#shards.ofTenant(checked(tenantId));
    return shard.transaction(work, enteringTenant(tenantId));
  }

  /** As `inTenant`, but reading only, and everything in it as of one instant, however long it takes. */
  async inSnapshot<T>(tenantId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const shard = await this.#shards.ofTenant(checked(tenantId));
    return shard.transaction(work, enteringTenant(tenantId, true));
  }

  /**
   * Calls a database function that enters its tenant by itself, in one round trip and one transaction.
   * @param statement takes the tenant id as $1; `values` are $2 and on.
   */
  async call<R extends Row>(tenantId: string, statement: Statement, values: readonly unknown[]): Promise<R[]> {
    const shard = await this.#shards.ofTenant(checked(tenantId));
    return shard.rows<R>(statement, [tenantId, ...values]);
  }

  /**
   * Calls a procedure that enters one tenant after another by itself, each in a transaction of its own. The tenants
   * must live on one shard, as those of a ticket do.
   * @param statement takes the tenant ids as $1; `values` are $2 and on.
   */
  async callEach<R extends Row>(
    tenantIds: readonly string[],
    statement: Statement,
    values: readonly unknown[],
  ): Promise<R[]> {
    const [shard, ...others] = await this.#shards.ofTenants(tenantIds.map(checked));
    if (shard === undefined || others.length > 0) {
      throw new RaeError('RAE_INTERNAL', `the tenants of one ticket live on ${others.length + 1} shards`);
    }
    return shard.rows<R>(statement, [arrayLiteral(tenantIds), ...values]);
  }
}

function checked(tenantId: string): string {
  if (isUuid(tenantId)) return tenantId;
  throw new RaeError('RAE_TENANT_MISSING', 'tenant data was asked for without a tenant');
}
