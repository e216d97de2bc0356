import type { HoldReason } from '../ledger/hold-reason.ts';
import type { CostBook } from './cost-book.ts';
import { FairOrder } from './fair-order.ts';
import type { FlyingRun } from './flight.ts';
import { HoldTimes } from './hold-times.ts';
import { mostTogether, TICKET_MS } from './packing.ts';

/** Runs of one tenant and worker to admit. */
export interface Pick {
  readonly tenantId: string;
  readonly worker: string;
  count: number;
  /** What each was charged, in ms. */
  readonly cost: number;
  /** Beyond its tenant's cap. */
  readonly lent: boolean;
}

/** What may be picked for one worker now. */
export interface TurnRequest {
  /** Most runs. */
  readonly runs: number;
  /** Most of the time that is expected with a core for each, in ms, but for the first pick. */
  readonly ms: number;
  /** How many of the worker's places nobody uses; only these are lent, and only these go to who would overtake another. */
  readonly idle: number;
  /** How many of the idle places are lent to runs expected to be short only. */
  readonly reserve: number;
  /** Why nothing (more) of the tenant may be admitted, given how many of its runs are picked; undefined = it may. */
  readonly held: (tenantId: string, picked: number) => HoldReason | undefined;
  /** Told of each pick as it is made, so that `held` knows of all of them. */
  readonly onPick: (tenantId: string, picked: number) => void;
}

/** What is being picked for one worker. */
interface Round {
  readonly worker: string;
  readonly order: FairOrder;
  readonly request: TurnRequest;
  readonly picks: Map<string, Pick>;
  runs: number;
  ms: number;
}

/** A run expected to take longer is long: nothing can take its place back. */
const LONG_MS = 100;

/**
 * Gives tenants their turns, worker by worker, each in fair order. A tenant is charged for all its work: what it is
 * picked for by one worker moves it back in the orders of the others in which it waits, so that its share is one of
 * all workers together, while no worker's full window holds up another's work.
 */
export class Turns {
  readonly #costs: CostBook;
  readonly #orders: ReadonlyMap<string, FairOrder>;
  readonly #serial: ReadonlySet<string>;
  readonly #holds = new HoldTimes();
  /** Who was added since the last picks of its worker: what those found of it says nothing about what came since. */
  readonly #added = new Map<string, Set<string>>();

  /** @param serial the workers whose runs of one tenant go one after another. */
  constructor(costs: CostBook, workers: readonly string[], serial: ReadonlySet<string>) {
    this.#costs = costs;
    this.#serial = serial;
    this.#orders = new Map(workers.map((worker) => [worker, new FairOrder()]));
    for (const worker of workers) this.#added.set(worker, new Set());
  }

  /** Tenants that may have owed work, counted once per worker. */
  get size(): number {
    let size = 0;
    for (const order of this.#orders.values()) size += order.size;
    return size;
  }

  /** Why tenants are passed over, and since when. */
  get holds(): HoldTimes {
    return this.#holds;
  }

  /** Tenants that may have owed work of the worker. */
  waiting(worker: string): number {
    return this.#orders.get(worker)?.size ?? 0;
  }

  /** What a run is expected to take, in ms. */
  estimate(tenantId: string, worker: string): number {
    return this.#costs.estimate(tenantId, worker);
  }

  /** The tenant may have owed work of the worker. Nothing for a worker that is not known. */
  add(tenantId: string, worker: string, weight: number): void {
    this.#orders.get(worker)?.add(tenantId, weight);
    this.#added.get(worker)?.add(tenantId);
  }

  /** Picks for one worker what may be admitted now, in fair order, and charges it. `nowMs` dates what is held. */
  take(worker: string, request: TurnRequest, nowMs: number): readonly Pick[] {
    const order = this.#orders.get(worker);
    if (order === undefined) return [];
    this.#added.get(worker)?.clear();
    const round: Round = { worker, order, request, picks: new Map(), runs: 0, ms: 0 };
    const { picks } = round;
    while (round.runs < request.runs && round.ms < request.ms) {
      const tenantId = order.peek();
      if (tenantId === undefined) break;
      const known = picks.get(tenantId);
      const cost = known?.cost ?? this.#costs.estimate(tenantId, worker);
      const reason = this.#reason(round, tenantId, known?.count ?? 0, cost);
      if (reason !== undefined) {
        this.#pass(round, tenantId, reason, nowMs);
        continue;
      }
      // A place in the queue goes to who is behind: it will be back before that place is reached.
      if (order.overtakes && this.#idle(round) <= 0) break;
      this.#pick(round, tenantId, cost, false);
    }
    this.#lend(round, nowMs);
    return [...picks.values()];
  }

  /**
   * Corrects what picks were charged to what was admitted of them. Who had less than it was picked for has nothing more
   * for now.
   */
  correct(picks: readonly Pick[], flying: readonly FlyingRun[], nowMs: number): void {
    if (picks.reduce((sum, { count }) => sum + count, 0) === flying.length) return;
    const had = new Map<string, number>();
    for (const { tenantId, worker } of flying) {
      const key = keyOf(tenantId, worker);
      had.set(key, (had.get(key) ?? 0) + 1);
    }
    for (const { tenantId, worker, count, cost } of picks) {
      const missing = count - (had.get(keyOf(tenantId, worker)) ?? 0);
      if (missing <= 0) continue;
      this.#orders.get(worker)?.refund(tenantId, cost, missing);
      this.#shift(tenantId, worker, missing * cost, 0);
      if (!this.#added.get(worker)?.has(tenantId)) {
        this.#orders.get(worker)?.remove(tenantId);
        this.#holds.forget(tenantId, worker);
      }
      // What was picked and is not there holds nobody back.
      this.release(tenantId, nowMs);
    }
  }

  /** What was picked could not be admitted: it is as if it had never been picked. */
  takeBack(picks: readonly Pick[], nowMs: number): void {
    for (const { tenantId, worker, count, cost } of picks) {
      this.#orders.get(worker)?.refund(tenantId, cost, count);
      this.#shift(tenantId, worker, count * cost, 0);
      this.release(tenantId, nowMs);
    }
  }

  /** A run has left its worker after `ms`; null = it was not begun. What its tenant is held for may be over. */
  left({ tenantId, worker, estimateMs, charged }: FlyingRun, ms: number | null, nowMs: number): void {
    if (ms !== null) this.#costs.measured(tenantId, worker, ms);
    if (charged) {
      // What another dispatcher picked was charged there.
      if (ms === null) this.#orders.get(worker)?.refund(tenantId, estimateMs);
      else this.#orders.get(worker)?.settle(tenantId, estimateMs, ms);
      this.#shift(tenantId, worker, estimateMs, ms ?? 0);
    }
    this.release(tenantId, nowMs);
  }

  /** What held the tenant may be over, whatever it was. */
  release(tenantId: string, nowMs: number): void {
    for (const [worker, order] of this.#orders) {
      const reason = this.#holds.released(tenantId, worker, nowMs);
      if (reason === undefined) continue;
      order.unpark(tenantId, reason === 'in_turn' ? TICKET_MS : 0);
    }
  }

  /** Forgets everything but what runs take. */
  clear(): void {
    for (const order of this.#orders.values()) order.clear();
    this.#holds.clear();
  }

  #reason({ worker, request }: Round, tenantId: string, picked: number, cost: number): HoldReason | undefined {
    // It has its fill of one ticket; its next runs come with the next one.
    if (picked > 0 && this.#serial.has(worker) && picked >= mostTogether(this.#costs.aloneMs(worker, cost)))
      return 'in_turn';
    return request.held(tenantId, picked);
  }

  #lend(round: Round, nowMs: number): void {
    const { worker, order, request, picks } = round;
    while (this.#idle(round) > 0 && round.runs < request.runs && round.ms < request.ms) {
      // Only what nobody within its cap can use.
      if (order.peek() !== undefined) return;
      const tenantId = order.smallestParked();
      if (tenantId === undefined || this.#holds.reason(tenantId, worker) !== 'cap') return;
      const known = picks.get(tenantId);
      const limit = request.held(tenantId, known?.count ?? 0);
      // Idle capacity is lent beyond its cap, and beyond nothing else that holds it, since it was parked or only now.
      if (limit !== undefined && limit !== 'cap') {
        order.unpark(tenantId);
        this.#pass(round, tenantId, limit, nowMs);
        continue;
      }
      if (known !== undefined && (!known.lent || this.#serial.has(worker))) return;
      const cost = known?.cost ?? this.#costs.estimate(tenantId, worker);
      // What has never been measured may be long.
      const isShort = cost <= LONG_MS && this.#costs.knows(tenantId, worker);
      if (!isShort && this.#idle(round) <= request.reserve) return;
      order.unpark(tenantId);
      this.#pick(round, tenantId, cost, true);
      order.park(tenantId);
    }
  }

  /** Passes over a tenant until what holds it may be over. */
  #pass({ worker, order }: Round, tenantId: string, reason: HoldReason, nowMs: number): void {
    if (reason === 'in_turn') order.bar(tenantId);
    else if (reason === 'cap' || reason === 'window') order.park(tenantId);
    else order.shelve(tenantId);
    this.#holds.held(tenantId, worker, reason, nowMs);
  }

  /** Places that nobody uses, and that nothing picked in this round will. */
  #idle({ worker, request, runs, ms }: Round): number {
    return request.idle - (this.#serial.has(worker) ? Math.ceil(ms / TICKET_MS) : runs);
  }

  #pick(round: Round, tenantId: string, cost: number, lent: boolean): void {
    const { worker, order, request, picks } = round;
    order.next(cost);
    this.#shift(tenantId, worker, 0, cost);
    const known = picks.get(tenantId);
    if (known === undefined) picks.set(tenantId, { tenantId, worker, count: 1, cost, lent });
    else known.count += 1;
    request.onPick(tenantId, known?.count ?? 1);
    round.runs += 1;
    round.ms += this.#costs.aloneMs(worker, cost);
  }

  #shift(tenantId: string, besides: string, charged: number, due: number): void {
    if (this.#orders.size === 1) return;
    for (const [worker, order] of this.#orders) if (worker !== besides) order.shift(tenantId, charged, due);
  }
}

function keyOf(tenantId: string, worker: string): string {
  return `${tenantId} ${worker}`;
}
