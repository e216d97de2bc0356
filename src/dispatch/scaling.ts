import { parseQueue } from '../../queues/names.ts';
import type { Demand, ReplicasWanted } from '../ledger/demand.ts';
import type { CostBook } from './cost-book.ts';
import type { Picture } from './picture.ts';
import type { Capacity } from './pools.ts';
import type { DispatchedWorker, Windows } from './windows.ts';

/** What is known of a worker's work when it is asked how many processes that needs. */
export interface Work {
  readonly demand: readonly Demand[];
  /** What a run takes, in ms. */
  readonly serviceMs: number;
  /** Places that are at work for whoever may have them, and not only lent. */
  readonly busy: number;
  /** How many places one process has. */
  readonly places: number;
  /** All that may begin is to begin within so many ms. */
  readonly targetMs: number;
}

/**
 * How many processes a worker needs, not rounded: places ÷ places of a process, with
 *
 *     waiting = sum over tenants of min(runs × service time, lanes × target) ÷ target
 *     places  = max(busy, waiting + busy ÷ 2)
 *
 * What waits is begun within the target, and what is at work stays at work. Busy places count by half beside what waits, as
 * they work that off too: counted whole, a backlog was met with a fifth more replica-minutes than its wait needed; not
 * at all, it came back. Of a tenant no more counts than the lanes that it may have could do within the target, and than
 * its rate lets pass: more processes would do no more of it.
 */
export function replicasWanted({ demand, serviceMs, busy, places, targetMs }: Work): number {
  const waiting = demand.reduce((sum, one) => sum + one.tenants * usableMs(one, serviceMs, targetMs), 0) / targetMs;
  return Math.max(busy, waiting + busy / 2) / places;
}

/** How much work of one tenant could be done within the target, however many processes there were; in ms. */
function usableMs({ runs, lanes, rate, burst }: Demand, serviceMs: number, targetMs: number): number {
  const pass = rate === null ? runs : Math.min(runs, (burst ?? 1) + (rate * targetMs) / 1_000);
  return Math.min(pass * serviceMs, lanes * targetMs);
}

/** What the figures of scaling are made from. */
export interface ScalingOptions {
  readonly picture: Picture;
  readonly costs: CostBook;
  readonly windows: Windows;
  readonly workers: readonly DispatchedWorker[];
  /** What a process can do where none was ever seen. */
  readonly one: Capacity;
  readonly targetMs: number;
}

const KINDS = ['shared', 'dedicated'] as const;

/** Says how many processes each worker needs, for its shared queues and for the dedicated ones. */
export class Scaling {
  readonly #options: ScalingOptions;

  constructor(options: ScalingOptions) {
    this.#options = options;
  }

  /** @param demand what may run and waits for a place, of all workers. */
  wanted(demand: readonly Demand[]): readonly ReplicasWanted[] {
    return this.#options.workers.flatMap((worker) => this.#ofWorker(worker, demand));
  }

  #ofWorker(worker: DispatchedWorker, demand: readonly Demand[]): readonly ReplicasWanted[] {
    const { picture, costs, windows, one, targetMs } = this.#options;
    const { name, shared } = worker;
    const placesOf = ({ slots, steps }: Capacity) => (shared ? steps : slots);
    const places = placesOf(windows.ofOne(name) ?? one);
    // What operators bound in total is bounded here as well.
    const most = (picture.limits.total(name)?.run_cap ?? Number.POSITIVE_INFINITY) / places;
    const busy = this.#busy(worker, placesOf(windows.capacity(name)));
    const found = KINDS.map((queueKind) => {
      const dedicated = queueKind === 'dedicated';
      // The runs of a tenant that go one after another need one place at once.
      const own = demand
        .filter((row) => row.worker === name && row.dedicated === dedicated)
        .map((row) => (shared ? { ...row, lanes: 1 } : row));
      const work = { demand: own, serviceMs: costs.lately(name), busy: busy[queueKind], places, targetMs };
      return { worker: name, queueKind, value: replicasWanted(work) };
    });
    const all = found.reduce((sum, { value }) => sum + value, 0);
    return all <= most ? found : found.map((row) => ({ ...row, value: (row.value * most) / all }));
  }

  /** Places at work, by kind of queue. What is lent goes back to nobody when there are fewer: it asks for no process. */
  #busy({ name, shared }: DispatchedWorker, capacity: number): Readonly<Record<(typeof KINDS)[number], number>> {
    const { flight } = this.#options.picture;
    const busy = { shared: 0, dedicated: 0 };
    const runs = flight.runs.filter(({ worker, lent }) => worker === name && !lent);
    for (const { queue } of runs) busy[parseQueue(queue)?.kind ?? 'shared'] += 1;
    const placed = shared ? Math.min(flight.ticketsOf(name), runs.length) : runs.length;
    const part = runs.length === 0 ? 0 : Math.min(placed, capacity) / runs.length;
    return { shared: busy.shared * part, dedicated: busy.dedicated * part };
  }
}
