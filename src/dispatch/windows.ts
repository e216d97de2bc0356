import type { Takers } from '../../queues/consumers.ts';
import type { CostBook } from './cost-book.ts';
import type { Flight } from './flight.ts';
import { TICKET_MS } from './packing.ts';
import { type Capacity, Pools, type Scope } from './pools.ts';

/** A worker as the dispatcher needs to know it. */
export interface DispatchedWorker {
  readonly name: string;
  /** Its runs share tickets, and those of one tenant go one after another; else each has a ticket of its own. */
  readonly shared: boolean;
}

/** How much more of a worker, or of a lane, may be admitted. */
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
/** Where nobody takes anything. */
const NONE: Room = Object.freeze({ runs: 0, ms: 0, tickets: 0, idle: 0, reserve: 0 });

/**
 * Bounds what is admitted: what waits in Redis cannot be overtaken any more, so that it should be no more than keeps the
 * processes busy. For runs of code that is one per slot and what ends while the next are on their way; for tickets of
 * statements one per step and a quarter more.
 */
export class Windows {
  readonly #costs: CostBook;
  readonly #options: WindowsOptions;
  readonly #pools = new Map<string, Pools>();
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

  /** What the processes have announced last. @returns whether queues of any worker lie in other lanes now. */
  follow(takers: readonly Takers[], nowMs: number): boolean {
    const byWorker = new Map<string, Takers[]>([...this.#pools.keys()].map((worker) => [worker, []]));
    for (const one of takers) byWorker.set(one.worker, [...(byWorker.get(one.worker) ?? []), one]);
    let isChanged = false;
    for (const [worker, own] of byWorker) {
      const pools = this.#of(worker);
      isChanged = pools.follow(own, nowMs) || isChanged;
      if (own.length === 0) continue;
      const { slots, steps, processes = 1 } = pools.whole;
      this.#each.set(worker, { slots: slots / processes, steps: steps / processes });
    }
    return isChanged;
  }

  /** The lane of a queue of the worker. */
  laneOf(worker: string, queue: string): string {
    return this.#of(worker).laneOf(queue);
  }

  /** Whether any process takes work of the worker, or of one of its lanes. */
  isConsumed(worker: string, lane?: string): boolean {
    const pools = this.#of(worker);
    return lane === undefined ? pools.areThere : pools.isTaken(lane);
  }

  /** What the processes of a worker can do at once, all together; nothing where there is none. */
  capacity(worker: string): Capacity {
    return this.#of(worker).whole;
  }

  /** What one process of the worker can do at once, as far as one was ever seen. */
  ofOne(worker: string): Capacity | undefined {
    return this.#each.get(worker);
  }

  /** How many runs of the worker may be admitted at once over all its queues, or those of a lane; 0 where nobody takes them. */
  limit({ name, shared }: DispatchedWorker, lane?: string): number {
    const capacities = this.#of(name).capacities(lane);
    const lately = this.#costs.lately(name);
    if (!shared) return sum(capacities, (one) => slotsOf(one, lately));
    const tickets = sum(capacities, (one) => ticketsOf(this.#stepsOf(name, one)));
    return Math.ceil((tickets * TICKET_MS) / Math.max(this.#costs.aloneMs(name, lately), 0.05));
  }

  /** How much more of the worker, or of a lane of it, may be admitted. */
  room(worker: DispatchedWorker, flight: Flight, lane = worker.name): Room {
    const pools = this.#of(worker.name);
    if (!pools.isTaken(lane)) return NONE;
    const rooms = pools.scopes(lane).map((scope) => this.#roomIn(scope, worker, flight));
    return rooms.length === 1 ? (rooms[0] ?? NONE) : rooms.reduce(narrower);
  }

  #of(worker: string): Pools {
    let pools = this.#pools.get(worker);
    if (pools === undefined) {
      pools = new Pools(worker);
      this.#pools.set(worker, pools);
    }
    return pools;
  }

  #roomIn({ capacities, runs, tickets }: Scope, { name, shared }: DispatchedWorker, flight: Flight): Room {
    const kept = (places: number) => Math.min(places - 1, Math.ceil(places * this.#options.reserve));
    if (shared) {
      const flying = tickets(flight);
      const steps = sum(capacities, (one) => this.#stepsOf(name, one));
      const free = sum(capacities, (one) => ticketsOf(this.#stepsOf(name, one))) - flying;
      const ms = free * TICKET_MS;
      return { runs: Number.POSITIVE_INFINITY, ms, tickets: free, idle: steps - flying, reserve: kept(steps) };
    }
    const flying = runs(flight);
    const lately = this.#costs.lately(name);
    const slots = sum(capacities, (one) => one.slots);
    const free = sum(capacities, (one) => slotsOf(one, lately)) - flying;
    return { runs: free, ms: Number.POSITIVE_INFINITY, tickets: free, idle: slots - flying, reserve: kept(slots) };
  }

  /**
   * How many steps of statements to keep busy: all, unless most of their time goes to waiting for a core. Then more at
   * once would only make each slower, and their tickets smaller.
   */
  #stepsOf(worker: string, { steps }: Capacity): number {
    return Math.ceil(steps * Math.max(LEAST_BUSY, Math.min(1, BUSY * this.#costs.typical(worker))));
  }
}

/** Room within both. */
function narrower(a: Room, b: Room): Room {
  const idle = Math.min(a.idle, b.idle);
  return {
    runs: Math.min(a.runs, b.runs),
    ms: Math.min(a.ms, b.ms),
    tickets: Math.min(a.tickets, b.tickets),
    idle,
    // What may be lent to long runs is what both would lend.
    reserve: idle - Math.min(a.idle - a.reserve, b.idle - b.reserve),
  };
}

function sum(capacities: readonly Capacity[], of: (capacity: Capacity) => number): number {
  return capacities.reduce((total, one) => total + of(one), 0);
}

function ticketsOf(steps: number): number {
  return steps + Math.ceil(steps / 4);
}

function slotsOf({ slots }: Capacity, ms: number): number {
  return slots + Math.max(1, Math.ceil(slots * Math.min(1, REFILL_MS / Math.max(ms, 0.05))));
}
