/**
 * Tenants that may have owed work, in the order in which they get their next turn. A tenant that was served goes to
 * the end; one that is already waiting keeps its place.
 */
export class TenantRing {
  readonly #tenants = new Set<string>();

  get size(): number {
    return this.#tenants.size;
  }

  /** Lets the tenant wait for a turn, behind all others; nothing when it already waits. */
  add(tenantId: string): void {
    this.#tenants.add(tenantId);
  }

  /** Takes up to `most` tenants whose turn it is. */
  take(most: number): readonly string[] {
    const taken: string[] = [];
    for (const tenantId of this.#tenants) {
      if (taken.length >= most) break;
      this.#tenants.delete(tenantId);
      taken.push(tenantId);
    }
    return taken;
  }

  clear(): void {
    this.#tenants.clear();
  }
}
