import { RaeError } from '../kernel/errors.ts';
import type { Database } from './database.ts';
import { enteringTenant } from './entering-tenant.ts';
import { loadStatements } from './statement.ts';

const sql = loadStatements(new URL('./shards.sql', import.meta.url), ['shardOfTenant']);

/** The databases that hold tenants, by name. `main` is the control database with the registry. */
export class Shards {
  readonly #databases: ReadonlyMap<string, Database>;
  readonly #homes = new Map<string, string>();

  constructor(databases: ReadonlyMap<string, Database>) {
    this.#databases = databases;
  }

  /** The control database. */
  get main(): Database {
    return this.named('main');
  }

  /** Every shard with its name. */
  get all(): ReadonlyMap<string, Database> {
    return this.#databases;
  }

  /** @throws RaeError `RAE_NOT_FOUND` for a shard this process has no URL of. */
  named(name: string): Database {
    const database = this.#databases.get(name);
    if (database === undefined) {
      throw new RaeError('RAE_NOT_FOUND', `no URL is configured for the shard "${name}"`, {
        hint: `set RAE_SHARD_${name.toUpperCase()}_URL`,
      });
    }
    return database;
  }

  /** The shard that holds this tenant's data. With a single shard nothing is looked up. */
  async ofTenant(tenantId: string): Promise<Database> {
    if (this.#databases.size === 1) return this.main;
    const known = this.#homes.get(tenantId);
    if (known !== undefined) return this.named(known);
    const [row] = await this.main.transaction(
      (tx) => tx.rows<{ shard: string }>(sql.shardOfTenant, [tenantId]),
      enteringTenant(tenantId),
    );
    if (row === undefined) throw new RaeError('RAE_TENANT_UNKNOWN', `there is no tenant ${tenantId}`);
    // Bounded: a process that serves many tenants must not grow with them.
    if (this.#homes.size >= 10_000) this.#homes.clear();
    this.#homes.set(tenantId, row.shard);
    return this.named(row.shard);
  }

  /** The shards that hold the data of these tenants, each once. */
  async ofTenants(tenantIds: readonly string[]): Promise<ReadonlySet<Database>> {
    if (this.#databases.size === 1) return new Set(tenantIds.length === 0 ? [] : [this.main]);
    return new Set(await Promise.all(tenantIds.map((tenantId) => this.ofTenant(tenantId))));
  }

  /** Forgets where a tenant lives, after a move. */
  forget(tenantId: string): void {
    this.#homes.delete(tenantId);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#databases.values()].map((database) => database.close()));
  }
}
