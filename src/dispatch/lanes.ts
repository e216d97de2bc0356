import { FairOrder } from './fair-order.ts';

/** A lane: its worker, whose turn it is in it, and who was added since the last picks: what those found of it says nothing about what came since. */
export interface Lane {
  readonly name: string;
  readonly worker: string;
  readonly order: FairOrder;
  readonly added: Set<string>;
  /** Grows with every pick in any lane. */
  served: number;
}

/** The lanes of all workers, each with its fair order. A worker's first lane has its name. */
export class Lanes {
  readonly #workers: readonly string[];
  readonly #lanes = new Map<string, Lane>();
  #served = 0;

  constructor(workers: readonly string[]) {
    this.#workers = workers;
    for (const worker of workers) this.of(worker, worker);
  }

  /** All there are. */
  get all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** No worker has more than one. */
  get areSingle(): boolean {
    return this.#lanes.size === this.#workers.length;
  }

  /** Those of the worker in which somebody waits, that which was served longest ago first: they may share processes. */
  inTurn(worker: string): readonly Lane[] {
    const waiting = [...this.#lanes.values()].filter((lane) => lane.worker === worker && lane.order.size > 0);
    return waiting.length < 2 ? waiting : waiting.sort((a, b) => a.served - b.served);
  }

  /** Somebody was picked in the lane. */
  wasServed(lane: Lane): void {
    this.#served += 1;
    lane.served = this.#served;
  }

  get(name: string): Lane | undefined {
    return this.#lanes.get(name);
  }

  /** The lane of the worker, made where it is new. */
  of(name: string, worker: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { name, worker, order: new FairOrder(), added: new Set(), served: 0 };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /** What a tenant was picked for in one lane counts in all others in which it waits. */
  shift(tenantId: string, besides: string, charged: number, due: number): void {
    if (this.#lanes.size === 1) return;
    for (const { name, order } of this.#lanes.values()) if (name !== besides) order.shift(tenantId, charged, due);
  }

  /** Forgets who waits, and all lanes but the first of each worker. */
  clear(): void {
    for (const { name, worker, order, added } of this.#lanes.values()) {
      order.clear();
      added.clear();
      if (name !== worker) this.#lanes.delete(name);
    }
  }
}
