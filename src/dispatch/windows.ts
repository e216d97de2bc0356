import type { Flight } from './flight.ts';
import type { Placements } from './placements.ts';
import type { Picks } from './turns.ts';

/** A worker as the dispatcher needs to know it. */
export interface DispatchedWorker {
  readonly name: string;
  /** Its runs share tickets, and those of one tenant go one after another; else each has a ticket of its own. */
  readonly shared: boolean;
}

/** Workers whose queue has room for a tenant, comma-separated, and how many of its runs fit. */
export interface Room {
  readonly workers: string;
  readonly want: number;
}

/** Bounds how much admitted work waits in Redis, queue by queue. */
export class Windows {
  readonly #workers: readonly DispatchedWorker[];
  readonly #window: number;
  #slots: ReadonlyMap<string, number> = new Map();
  #partitions = 1;

  /** @param window most admitted runs of one queue at once. */
  constructor(workers: readonly DispatchedWorker[], window: number) {
    this.#workers = workers;
    this.#window = window;
  }

  /** Slots per worker, as the processes have announced them last. */
  follow(slots: ReadonlyMap<string, number>): void {
    this.#slots = slots;
  }

  /** Slots of a worker over all its processes; undefined while none has announced itself. */
  slotsOf(worker: string): number | undefined {
    return this.#slots.get(worker);
  }

  /** How many more runs may be admitted over all shared queues. */
  free(partitions: number, flying: number): number {
    this.#partitions = partitions;
    return this.#window * this.#workers.length * partitions - flying;
  }

  /** For each tenant the workers whose queue has room, and how many of its picks fit there; no entry for a tenant without any. */
  room(picks: Picks, flight: Flight, placed: Placements): ReadonlyMap<string, Room> {
    const asked = new Map<string, Room>();
    const expected = new Map<string, number>();
    for (const [tenantId, { count }] of picks) {
      let want = 0;
      const workers = this.#workers.filter(({ name }) => {
        const queue = placed.queue(name, tenantId);
        const taken = flight.count(queue) + (expected.get(queue) ?? 0);
        const fits = Math.min(count, this.#windowOf(name) - taken);
        if (fits <= 0) return false;
        expected.set(queue, (expected.get(queue) ?? 0) + fits);
        want = Math.max(want, fits);
        return true;
      });
      if (want > 0) asked.set(tenantId, { workers: workers.map(({ name }) => name).join(','), want });
    }
    return asked;
  }

  /** Runs that cannot share tickets wait in Redis for at most about one service time: twice the slots there are. */
  #windowOf(worker: string): number {
    const slots = this.#slots.get(worker);
    if (this.#workers.some(({ name, shared }) => name === worker && shared) || slots === undefined) return this.#window;
    return Math.min(this.#window, Math.max(2, Math.ceil((2 * slots) / this.#partitions)));
  }
}
