import { partitionOf } from '../../queues/partition.ts';

/** What dispatch knows of a tenant: its share against others, and where its runs wait. */
export interface Share {
  /** 0.001 to 1,000,000. */
  readonly weight: number;
  /** How many of its runs may execute at once. */
  readonly cap: number;
  /** How often it was placed anew. */
  readonly epoch: number;
  readonly dedicated: boolean;
  /** Its runs wait apart from all others; default false. */
  readonly quarantined?: boolean;
}

/** A share as the registry gives it, with whose it is. */
export type ShareRow = { readonly tenant_id: string } & Share & Record<string, unknown>;

interface Entry extends Share {
  /** Where it hashes to, of so many; of 0 = not asked for yet. */
  partition: number;
  partitions: number;
}

/** The shares of the tenants that have or had work lately; corrected whenever the registry is read or a change is told. */
export class ShareBook {
  readonly #shares = new Map<string, Entry>();
  /** Heard of since the last look at the ledger began. */
  readonly #fresh = new Set<string>();

  get size(): number {
    return this.#shares.size;
  }

  get(tenantId: string): Share | undefined {
    return this.#shares.get(tenantId);
  }

  /** @returns whether the tenant was known and is placed elsewhere now. */
  set({ tenant_id: tenantId, weight, cap, epoch, dedicated, quarantined = false }: ShareRow): boolean {
    this.#fresh.add(tenantId);
    const before = this.#shares.get(tenantId);
    if (before !== undefined && isSame(before, { weight, cap, epoch, dedicated, quarantined })) return false;
    this.#shares.set(tenantId, { weight, cap, epoch, dedicated, quarantined, partition: 0, partitions: 0 });
    return before !== undefined && before.epoch !== epoch;
  }

  /** The shared partition of a tenant, of so many; remembered, as it is asked for at every pick. */
  partition(tenantId: string, partitions: number): number {
    const entry = this.#shares.get(tenantId);
    if (entry === undefined) return partitionOf(tenantId, partitions);
    if (entry.partitions !== partitions) {
      entry.partition = partitionOf(tenantId, partitions);
      entry.partitions = partitions;
    }
    return entry.partition;
  }

  /** From now on every tenant that is heard of is fresh. */
  age(): void {
    this.#fresh.clear();
  }

  /** Forgets all tenants but the fresh ones and these: those of long ago must not pile up in a dispatcher that runs for months. */
  keep(tenants: ReadonlySet<string>): void {
    for (const tenantId of this.#shares.keys()) {
      if (!this.#fresh.has(tenantId) && !tenants.has(tenantId)) this.#shares.delete(tenantId);
    }
  }

  clear(): void {
    this.#shares.clear();
    this.#fresh.clear();
  }
}

function isSame(a: Share, b: Share): boolean {
  return (
    a.weight === b.weight &&
    a.cap === b.cap &&
    a.epoch === b.epoch &&
    a.dedicated === b.dedicated &&
    a.quarantined === b.quarantined
  );
}
