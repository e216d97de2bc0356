/** What dispatch knows of a tenant: its share against others, and where its runs wait. */
export interface Share {
  /** 0.001 to 1,000,000. */
  readonly weight: number;
  /** How many of its runs may execute at once. */
  readonly cap: number;
  /** How often it was placed anew. */
  readonly epoch: number;
  readonly dedicated: boolean;
}

/** A share as the registry gives it, with whose it is. */
export type ShareRow = { readonly tenant_id: string } & Share & Record<string, unknown>;

/** The shares of the tenants that have or had work lately; corrected whenever the registry is read or a change is told. */
export class ShareBook {
  readonly #shares = new Map<string, Share>();

  get size(): number {
    return this.#shares.size;
  }

  get(tenantId: string): Share | undefined {
    return this.#shares.get(tenantId);
  }

  /** @returns whether the tenant was known and is placed elsewhere now. */
  set({ tenant_id: tenantId, weight, cap, epoch, dedicated }: ShareRow): boolean {
    const before = this.#shares.get(tenantId);
    if (before !== undefined && isSame(before, { weight, cap, epoch, dedicated })) return false;
    this.#shares.set(tenantId, { weight, cap, epoch, dedicated });
    return before !== undefined && before.epoch !== epoch;
  }

  /** Forgets tenants for which `isOver` holds. */
  forget(isOver: (tenantId: string) => boolean): void {
    for (const tenantId of this.#shares.keys()) if (isOver(tenantId)) this.#shares.delete(tenantId);
  }

  clear(): void {
    this.#shares.clear();
  }
}

function isSame(a: Share, b: Share): boolean {
  return a.weight === b.weight && a.cap === b.cap && a.epoch === b.epoch && a.dedicated === b.dedicated;
}
