import type { CostBook } from './cost-book.ts';
import type { Flight } from './flight.ts';
import { TICKET_MS } from './packing.ts';

/** A worker as the dispatcher needs to know it. */
export interface DispatchedWorker {
  readonly name: string;
  /** Its runs share tickets, and those of one tenant go one after another; else each has a ticket of its own. */
  readonly shared: boolean;
}

/** What the processes of one worker can do at once. */
export interface Capacity {
  /** Runs of code. */
  readonly slots: number;
  /** Tickets of statements: no more than there are connections. */
  readonly steps: number;
  /** How many processes those are; default 1. */
  readonly processes?: number;
}

/** How much more of a worker may be admitted. */
export interface Room {
  readonly runs: number;
  /** Expected time, in ms. */
  readonly ms: number;
  /** Tickets, for a worker whose runs share them. */
  readonly tickets: number;
  /** Places that nothing which is admitted will use. */
  readonly idle: number;
  /** How many of the idle places are kept for short runs. */
  readonly reserve: number;
}

/** How it is bounded what is admitted. */
export interface WindowsOptions {
  /** Most admitted runs of one queue at once. */
  readonly window: number;
  /** Which share of the places is lent to short runs only, from 0 to 1. */
  readonly reserve: number;
}

/** From the end of a run to the begin of one that was admitted for it, in ms, about: so much must wait in Redis. */
const REFILL_MS = 10;
/** All steps are used while a run typically takes two thirds of its mean time, and never less than half of them. */
const BUSY = 1.5;
const LEAST_BUSY = 0.5;
/** Announcements are made anew every half second. */
const MISSING_MS = 2_000;

/**
 * Bounds what is admitted: what waits in Redis cannot be overtaken any more, so that it should be no more than keeps the
 * processes busy. For runs of code that is one per slot and what ends while the next are on their way; for tickets of
 * statements one per step and a quarter more.
 */
export class Windows {
  readonly #costs: CostBook;
  readonly #options: WindowsOptions;
  readonly #capacities = new Map<string, Capacity & { readonly seenMs: number }>();
  /** What one process of a worker could do when there was one last. */
  readonly #each = new Map<string, Capacity>();

  constructor(costs: CostBook, options: WindowsOptions) {
    this.#costs = costs;
    this.#options = options;
  }

  /** Most admitted runs of one queue at once. */
  get perQueue(): number {
    return this.#options.window;
  }

  /** What the processes have announced last. A worker that is missing is believed in for a moment: Redis may have been emptied. */
  follow(capacities: ReadonlyMap<string, Capacity>, nowMs: number): void {
    for (const [worker, capacity] of capacities) {
      const { slots, steps, processes = 1 } = capacity;
      this.#capacities.set(worker, { ...capacity, seenMs: nowMs });
      this.#each.set(worker, { slots: slots / processes, steps: steps / processes });
    }
    for (const [worker, { seenMs }] of this.#capacities)
      if (nowMs - seenMs > MISSING_MS) this.#capacities.delete(worker);
  }

  /** Whether any process takes work of the worker. */
  isConsumed(worker: string): boolean {
    return this.#capacities.has(worker);
  }

  /** What the processes of a worker can do at once, all together; nothing where there is none. */
  capacity(worker: string): Capacity {
    return this.#capacities.get(worker) ?? { slots: 0, steps: 0 };
  }

  /** What one process of the worker can do at once, as far as one was ever seen. */
  ofOne(worker: string): Capacity | undefined {
    return this.#each.get(worker);
  }

  /** How many runs of the worker may be admitted at once over all its queues; 0 where nobody takes them. */
  limit({ name, shared }: DispatchedWorker): number {
    const capacity = this.#capacities.get(name);
    if (capacity === undefined) return 0;
    if (shared)
      return Math.ceil(
        (ticketsOf(this.#stepsOf(name, capacity)) * TICKET_MS) /
          Math.max(this.#costs.aloneMs(name, this.#costs.lately(name)), 0.05),
      );
    return slotsOf(capacity, this.#costs.lately(name));
  }

  /** How much more of the worker may be admitted. */
  room(worker: DispatchedWorker, flight: Flight): Room {
    const capacity = this.#capacities.get(worker.name);
    if (capacity === undefined) return { runs: 0, ms: 0, tickets: 0, idle: 0, reserve: 0 };
    const flying = flight.ofWorker(worker.name);
    const kept = (places: number) => Math.min(places - 1, Math.ceil(places * this.#options.reserve));
    if (worker.shared) {
      const steps = this.#stepsOf(worker.name, capacity);
      const tickets = ticketsOf(steps) - flight.ticketsOf(worker.name);
      const idle = steps - flight.ticketsOf(worker.name);
      return { runs: Number.POSITIVE_INFINITY, ms: tickets * TICKET_MS, tickets, idle, reserve: kept(steps) };
    }
    const runs = slotsOf(capacity, this.#costs.lately(worker.name)) - flying;
    const idle = capacity.slots - flying;
    return { runs, ms: Number.POSITIVE_INFINITY, tickets: runs, idle, reserve: kept(capacity.slots) };
  }

  /**
   * How many steps of statements to keep busy: all, unless most of their time goes to waiting for a core. Then more at
   * once would only make each slower, and their tickets smaller.
   */
  #stepsOf(worker: string, { steps }: Capacity): number {
    return Math.ceil(steps * Math.max(LEAST_BUSY, Math.min(1, BUSY * this.#costs.typical(worker))));
  }
}

function ticketsOf(steps: number): number {
  return steps + Math.ceil(steps / 4);
}

function slotsOf({ slots }: Capacity, ms: number): number {
  return slots + Math.max(1, Math.ceil(slots * Math.min(1, REFILL_MS / Math.max(ms, 0.05))));
}
