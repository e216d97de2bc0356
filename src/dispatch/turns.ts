import type { HoldReason } from '../ledger/hold-reason.ts';
import type { CostBook } from './cost-book.ts';
import type { FlyingRun } from './flight.ts';
import { HoldTimes } from './hold-times.ts';
import { Lanes } from './lanes.ts';
import { mostTogether, TICKET_MS } from './packing.ts';
import type { Pick, TurnRequest } from './pick.ts';
import type { Round } from './round.ts';

/** A run expected to take longer is long: nothing can take its place back. */
const LONG_MS = 100;

/**
 * Gives tenants their turns, worker by worker and lane by lane of it, each in fair order. A tenant is charged for all its work: what it is
 * picked for by one worker moves it back in the orders of the others in which it waits, so that its share is one of
 * all workers together, while no worker's full window holds up another's work.
 */
export class Turns {
  readonly #costs: CostBook;
  readonly #lanes: Lanes;
  readonly #workers: readonly string[];
  readonly #serial: ReadonlySet<string>;
  readonly #holds = new HoldTimes();

  /** @param serial the workers whose runs of one tenant go one after another. */
  constructor(costs: CostBook, workers: readonly string[], serial: ReadonlySet<string>) {
    this.#costs = costs;
    this.#serial = serial;
    this.#workers = workers;
    this.#lanes = new Lanes(workers);
  }

  /** Tenants that may have owed work, counted once per worker. */
  get size(): number {
    let size = 0;
    for (const { order } of this.#lanes.all) size += order.size;
    return size;
  }

  /** Why tenants are passed over, and since when. */
  get holds(): HoldTimes {
    return this.#holds;
  }

  /** The worker's lanes in which tenants may have owed work, in the order in which they are to be served. */
  lanesOf(worker: string): readonly string[] {
    return this.#lanes.inTurn(worker).map(({ name }) => name);
  }

  /** Who they are. */
  waitingIn(lane: string): Iterable<string> {
    return this.#lanes.get(lane)?.order.tenants() ?? [];
  }

  /** What a run is expected to take, in ms. */
  estimate(tenantId: string, worker: string): number {
    return this.#costs.estimate(tenantId, worker);
  }

  /** The tenant may have owed work of the worker, in this lane and in no other. Nothing for a worker that is not known. */
  add(tenantId: string, worker: string, weight: number, lane = worker): void {
    if (!this.#workers.includes(worker)) return;
    const { order, added } = this.#lanes.of(lane, worker);
    order.add(tenantId, weight);
    added.add(tenantId);
    if (this.#lanes.areSingle) return;
    for (const other of this.#lanes.all)
      if (other.worker === worker && other.name !== lane) other.order.remove(tenantId);
  }

  /** Other processes take the queues: everybody waits in the lane that its queue is in now, as with a new dispatcher. */
  relane(lanesOf: (tenantId: string, worker: string) => { readonly lane: string; readonly weight: number }): void {
    const waiting = [...this.#lanes.all].map(({ worker, order }) => ({ worker, tenants: [...order.tenants()] }));
    this.clear();
    for (const { worker, tenants } of waiting) {
      for (const tenantId of tenants) {
        const { lane, weight } = lanesOf(tenantId, worker);
        this.add(tenantId, worker, weight, lane);
      }
    }
  }

  /** The tenant's queues are others: what it waits for it waits for in their lanes. */
  move(tenantId: string, laneOf: (worker: string) => { readonly lane: string; readonly weight: number }): void {
    for (const { worker, order } of this.#lanes.areSingle ? [] : [...this.#lanes.all]) {
      const before = order.size;
      order.remove(tenantId);
      if (order.size === before) continue;
      const { lane, weight } = laneOf(worker);
      this.add(tenantId, worker, weight, lane);
    }
  }

  /** Picks in one lane what may be admitted now, in fair order, and charges it. `nowMs` dates what is held. */
  take(lane: string, request: TurnRequest, nowMs: number): readonly Pick[] {
    const known = this.#lanes.get(lane);
    if (known === undefined) return [];
    known.added.clear();
    const { worker, order } = known;
    const round: Round = { worker, lane, order, request, picks: new Map(), runs: 0, ms: 0 };
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
    if (picks.size > 0) this.#lanes.wasServed(known);
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
    for (const { tenantId, worker, lane, count, cost } of picks) {
      const missing = count - (had.get(keyOf(tenantId, worker)) ?? 0);
      if (missing <= 0) continue;
      const { order, added } = this.#lanes.of(lane, worker);
      order.refund(tenantId, cost, missing);
      this.#lanes.shift(tenantId, lane, missing * cost, 0);
      if (!added.has(tenantId)) {
        order.remove(tenantId);
        this.#holds.forget(tenantId, worker);
      }
      // What was picked and is not there holds nobody back.
      this.release(tenantId, nowMs);
    }
  }

  /** What was picked could not be admitted: it is as if it had never been picked. */
  takeBack(picks: readonly Pick[], nowMs: number): void {
    for (const { tenantId, lane, count, cost } of picks) {
      this.#lanes.get(lane)?.order.refund(tenantId, cost, count);
      this.#lanes.shift(tenantId, lane, count * cost, 0);
      this.release(tenantId, nowMs);
    }
  }

  /** A run has left its worker after `ms`; null = it was not begun. What its tenant is held for may be over. */
  left({ tenantId, worker, lane, estimateMs, charged }: FlyingRun, ms: number | null, nowMs: number): void {
    if (ms !== null) this.#costs.measured(tenantId, worker, ms);
    if (charged) {
      // What another dispatcher picked was charged there.
      if (ms === null) this.#lanes.get(lane)?.order.refund(tenantId, estimateMs);
      else this.#lanes.get(lane)?.order.settle(tenantId, estimateMs, ms);
      this.#lanes.shift(tenantId, lane, estimateMs, ms ?? 0);
    }
    this.release(tenantId, nowMs);
  }

  /** What held the tenant may be over, whatever it was. */
  release(tenantId: string, nowMs: number): void {
    for (const released of this.#workers) {
      const reason = this.#holds.released(tenantId, released, nowMs);
      if (reason === undefined) continue;
      for (const { worker, order } of this.#lanes.all)
        if (worker === released) order.unpark(tenantId, reason === 'in_turn' ? TICKET_MS : 0);
    }
  }

  /** Forgets everything but what runs take. */
  clear(): void {
    this.#lanes.clear();
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
    const { worker, lane, order, request, picks } = round;
    order.next(cost);
    this.#lanes.shift(tenantId, lane, 0, cost);
    const known = picks.get(tenantId);
    if (known === undefined) picks.set(tenantId, { tenantId, worker, lane, count: 1, cost, lent });
    else known.count += 1;
    request.onPick(tenantId, known?.count ?? 1);
    round.runs += 1;
    round.ms += this.#costs.aloneMs(worker, cost);
  }
}

function keyOf(tenantId: string, worker: string): string {
  return `${tenantId} ${worker}`;
}
