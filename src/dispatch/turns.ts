import type { CostBook } from './cost-book.ts';
import { FairOrder } from './fair-order.ts';
import type { FlyingRun } from './flight.ts';
import { mostTogether } from './packing.ts';

/** Whose turn it is: how often, and what each pick was charged, in ms. */
export type Picks = ReadonlyMap<string, { readonly count: number; readonly cost: number }>;

/** Gives tenants their turns in fair order, charged by what their runs are expected to take and then by what they took. */
export class Turns {
  readonly #costs: CostBook;
  readonly #order = new FairOrder();
  /** What a tenant's last admitted run was expected to take: its next pick is charged before the worker is known. */
  readonly #guesses = new Map<string, number>();

  constructor(costs: CostBook) {
    this.#costs = costs;
  }

  /** Tenants that may have owed work. */
  get size(): number {
    return this.#order.size;
  }

  /** What a run is expected to take, in ms. */
  estimate(tenantId: string, worker: string): number {
    return this.#costs.estimate(tenantId, worker);
  }

  /** The tenant may have owed work. */
  add(tenantId: string, weight: number): void {
    this.#order.add(tenantId, weight);
  }

  /** Takes up to `most` turns; no tenant more than one ticket holds. `worker` is whose estimate a tenant begins with. */
  take(most: number, worker: string): Picks {
    const picks = new Map<string, { count: number; readonly cost: number }>();
    const full: string[] = [];
    for (let left = most; left > 0; left -= 1) {
      const ahead = this.#order.peek();
      if (ahead === undefined) break;
      const known = picks.get(ahead);
      const cost = known?.cost ?? this.#guesses.get(ahead) ?? this.#costs.estimate(ahead, worker);
      if (known !== undefined && known.count >= mostTogether(cost)) {
        // It has its fill of one ticket; others come before its next.
        this.#order.park(ahead);
        full.push(ahead);
        continue;
      }
      this.#order.next(cost);
      if (known === undefined) picks.set(ahead, { count: 1, cost });
      else known.count += 1;
    }
    for (const tenantId of full) this.#order.unpark(tenantId, true);
    return picks;
  }

  /**
   * Corrects what picks were charged to what was admitted of them. A tenant that was asked for more than it had has
   * nothing more for now; one that was not asked for, as its queues are full, keeps its place.
   */
  correct(picks: Picks, asked: ReadonlyMap<string, number>, flying: readonly FlyingRun[]): void {
    const had = new Map<string, number>();
    for (const { tenantId, estimateMs } of flying) {
      had.set(tenantId, (had.get(tenantId) ?? 0) + 1);
      this.#order.recharge(tenantId, picks.get(tenantId)?.cost ?? 0, estimateMs);
      this.#guesses.set(tenantId, estimateMs);
    }
    for (const [tenantId, { count, cost }] of picks) {
      const admitted = had.get(tenantId) ?? 0;
      if (count > admitted) this.#order.refund(tenantId, cost, count - admitted);
      if (admitted >= (asked.get(tenantId) ?? 0)) continue;
      this.#order.remove(tenantId);
      this.#guesses.delete(tenantId);
    }
  }

  /** A run has left its worker after `ms`; null = it was not begun. Its tenant may have more. */
  left({ tenantId, worker, weight, estimateMs, charged }: FlyingRun, ms: number | null): void {
    // What another dispatcher picked was charged there.
    if (charged && ms === null) this.#order.refund(tenantId, estimateMs);
    else if (charged) this.#order.settle(tenantId, estimateMs, ms ?? 0);
    if (ms !== null) this.#costs.measured(tenantId, worker, ms);
    this.#order.add(tenantId, weight);
  }

  /** Forgets everything but what runs take. */
  clear(): void {
    this.#order.clear();
    this.#guesses.clear();
  }
}
