import { queueFor } from '../../queues/topology.ts';
import type { Queryable } from '../db/database.ts';
import { dispatchSql } from './sql.ts';

type Placement = { tenant_id: string; dedicated: boolean; weight: number; epoch: number };

/** Where some tenants' runs wait and what their plans weigh, as the registry says at one moment. */
export class Placements {
  readonly #tenants: ReadonlyMap<string, Placement>;
  readonly #partitions: number;

  private constructor(tenants: ReadonlyMap<string, Placement>, partitions: number) {
    this.#tenants = tenants;
    this.#partitions = partitions;
  }

  /** Asks the registry, so that a move or a change of plan holds from the next admission on. */
  static async of(database: Queryable, tenantIds: readonly string[], partitions: number): Promise<Placements> {
    const rows = tenantIds.length === 0 ? [] : await database.rows<Placement>(dispatchSql.placements, [tenantIds]);
    return new Placements(new Map(rows.map((row) => [row.tenant_id, row])), partitions);
  }

  /** The queue of a tenant's runs of a worker. */
  queue(worker: string, tenantId: string): string {
    const dedicated = this.#tenants.get(tenantId)?.dedicated ?? false;
    return queueFor(worker, tenantId, { dedicated }, this.#partitions);
  }

  /** How often the tenant was placed anew. */
  epoch(tenantId: string): number {
    return this.#tenants.get(tenantId)?.epoch ?? 0;
  }

  weight(tenantId: string): number {
    return this.#tenants.get(tenantId)?.weight ?? 1;
  }
}
