import { parseQueue } from '../../queues/names.ts';
import type { HoldReason } from '../ledger/hold-reason.ts';
import { Controls } from './controls.ts';
import type { CostBook } from './cost-book.ts';
import { Flight, type FlyingRun } from './flight.ts';
import type { AdmittedRun, LedgerRun } from './ledger-run.ts';
import { Limits } from './limits.ts';
import { TICKET_MS } from './packing.ts';
import type { PlacedPick } from './pick.ts';
import { Places } from './places.ts';
import { ShareBook } from './share.ts';
import { Turns } from './turns.ts';
import type { DispatchedWorker, Windows } from './windows.ts';

/** What a picture is made of. */
export interface PictureOptions {
  /** The workers whose runs are dispatched. */
  readonly workers: readonly DispatchedWorker[];
  readonly costs: CostBook;
  /** Bounds what is admitted. */
  readonly windows: Windows;
  /** Number of shared partitions until the registry says another. */
  readonly partitions: number;
}

/** Runs picked for one admission. */
const BATCH = 500;

/** What is being picked: so far, lanes by tenant, runs by queue, and how many more. */
interface Batch {
  readonly picks: PlacedPick[];
  readonly lanes: Map<string, number>;
  readonly queued: Map<string, number>;
  left: number;
}

/** What a dispatcher knows of the ledger: who waits, what is admitted, what each tenant may, where its runs wait. */
export class Picture {
  readonly shares = new ShareBook();
  readonly controls = new Controls();
  readonly limits = new Limits();
  readonly turns: Turns;
  readonly flight: Flight;
  /** Workers whose runs share tickets, and go one after another for one tenant. */
  readonly serial: ReadonlySet<string>;
  readonly places: Places;
  readonly #options: PictureOptions;
  /** Queues that had no room left when the last batch was picked. */
  readonly #filled = new Set<string>();
  #first = 0;

  constructor(options: PictureOptions) {
    const { workers, costs, partitions } = options;
    this.#options = options;
    this.places = new Places(this.shares, partitions);
    this.serial = new Set(workers.filter(({ shared }) => shared).map(({ name }) => name));
    this.flight = new Flight((worker) => this.serial.has(worker));
    const names = workers.map(({ name }) => name);
    this.turns = new Turns(costs, names, this.serial);
  }

  /** Where the tenant's runs of the worker wait. */
  queueOf(worker: string, tenantId: string): string {
    return this.places.of(worker, tenantId).queue;
  }

  /** How many of its runs the tenant may execute at once. */
  capOf(tenantId: string): number {
    return this.shares.get(tenantId)?.cap ?? 1;
  }

  /** The tenant may have owed work of the worker. */
  add(tenantId: string, worker: string): void {
    const { lane, weight } = this.#waits(tenantId, worker);
    this.turns.add(tenantId, worker, weight, lane);
  }

  /** Other processes take the queues: what waits and what is admitted lies in other lanes now. */
  relane(): void {
    this.turns.relane((tenantId, worker) => this.#waits(tenantId, worker));
    this.flight.relane((worker, queue) => this.#options.windows.laneOf(worker, queue));
  }

  /** The tenant is placed elsewhere: it waits in the lanes of its queues of now. */
  moved(tenantId: string): void {
    this.turns.move(tenantId, (worker) => this.#waits(tenantId, worker));
  }

  /** Picks up to 500 runs that may be admitted now: within each worker's window and queue, and each tenant's cap. */
  pick(nowMs: number): readonly PlacedPick[] {
    const { workers } = this.#options;
    const batch: Batch = { picks: [], lanes: new Map(), queued: new Map(), left: BATCH };
    this.#filled.clear();
    // Another begins each time, so that none always has the last word on caps.
    this.#first += 1;
    for (let nth = 0; nth < workers.length && batch.left > 0; nth += 1) {
      const worker = workers[(this.#first + nth) % workers.length];
      if (worker === undefined || this.controls.ofWorker(worker.name) !== undefined) continue;
      // One lane at a time: what is picked in it takes of the room of others.
      this.turns.lanesOf(worker.name).some((lane) => this.#pickIn(worker, lane, batch, nowMs));
    }
    return batch.picks;
  }

  /** What was admitted of the picks is in flight now, and the rest is as if it had not been picked. */
  admitted(picks: readonly PlacedPick[], runs: readonly AdmittedRun[], nowMs: number): readonly FlyingRun[] {
    const flying: FlyingRun[] = [];
    for (const { nth, run_id: runId, attempt, payload, flight_id: flightId } of runs) {
      const pick = picks[nth - 1];
      if (pick === undefined) continue;
      const { tenantId, worker, lane, lent, cost, queue, epoch } = pick;
      const named = { tenantId, runId, worker, lane, attempt, payload, lent, flightId, queue, epoch };
      flying.push({ ...named, estimateMs: cost, charged: true, admittedMs: nowMs });
    }
    for (const run of flying) {
      this.flight.add(run);
      if (this.limits.areRated) this.limits.admitted(run.tenantId, run.worker, 1, nowMs);
    }
    this.turns.correct(picks, flying, nowMs);
    // Who was passed over for what then was not admitted would wait for a run to leave that is not there.
    for (const queue of this.#filled) if (this.flight.inQueue(queue) <= this.#half) this.#reopen(queue, nowMs);
    return flying;
  }

  /** A run that a predecessor admitted, or this dispatcher without hearing the answer, is in flight. */
  adopt(run: LedgerRun, nowMs: number): void {
    const { tenant_id: tenantId, run_id: runId, worker, attempt, epoch, payload, lent, flight_id: flightId } = run;
    const named = { tenantId, runId, worker, attempt, payload, lent, flightId, epoch };
    const estimateMs = this.turns.estimate(tenantId, worker);
    const queue = this.queueOf(worker, tenantId);
    const lane = this.#options.windows.laneOf(worker, queue);
    this.flight.add({ ...named, queue, lane, estimateMs, charged: false, admittedMs: nowMs });
  }

  /** A run has left after `ms` of worker time; null = it was not begun, and is owed again. */
  left(run: FlyingRun, ms: number | null, nowMs: number): void {
    this.flight.remove(run.runId);
    if (ms === null) this.add(run.tenantId, run.worker);
    this.turns.left(run, ms, nowMs);
    // Not at every run that leaves: half of the window at once.
    if (this.flight.inQueue(run.queue) === this.#half) this.#reopen(run.queue, nowMs);
  }

  /** What operators control was read anew: whom they held, and do not any more, has turns. */
  release(nowMs: number): void {
    for (const { tenantId } of [...this.turns.holds.now('worker_cap', 'rate')]) this.turns.release(tenantId, nowMs);
    for (const { tenantId, worker } of [...this.turns.holds.now('paused', 'maintenance_window', 'blackout')]) {
      const queue = this.queueOf(worker, tenantId);
      const set = this.controls.ofTenant(tenantId, worker) ?? this.controls.ofQueue(queue);
      if (set === undefined) this.turns.release(tenantId, nowMs);
    }
  }

  /** Lets those have turns whose rate allows more by now. @returns whether there are any. */
  releaseRated(nowMs: number): boolean {
    const ready = this.limits.ready(nowMs);
    for (const tenantId of ready) this.turns.release(tenantId, nowMs);
    return ready.length > 0;
  }

  /** How much may be admitted at once and how much is, by kind of queue. */
  get load(): { readonly most: number; readonly admitted: ReadonlyMap<string, number> } {
    const { workers, windows } = this.#options;
    const admitted = new Map<string, number>();
    for (const { queue } of this.flight.runs) add(admitted, parseQueue(queue)?.kind ?? 'shared', 1);
    return { most: workers.reduce((sum, worker) => sum + windows.limit(worker), 0), admitted };
  }

  /** Forgets everything but what runs take. */
  clear(): void {
    this.turns.clear();
    this.flight.clear();
    this.shares.clear();
    this.controls.clear();
  }

  get #half(): number {
    return Math.floor(this.#options.windows.perQueue / 2);
  }

  /** Where the tenant waits for the worker. */
  #waits(tenantId: string, worker: string): { readonly lane: string; readonly weight: number } {
    const lane = this.#options.windows.laneOf(worker, this.queueOf(worker, tenantId));
    return { lane, weight: this.shares.get(tenantId)?.weight ?? 1 };
  }

  /** @returns whether anything was picked in the lane. */
  #pickIn(worker: DispatchedWorker, lane: string, batch: Batch, nowMs: number): boolean {
    const { runs, ms, tickets, idle, reserve } = this.#options.windows.room(worker, this.flight, lane);
    const allowed = (this.limits.total(worker.name)?.run_cap ?? Infinity) - this.flight.ofWorker(worker.name);
    if (runs <= 0 || tickets <= 0 || allowed <= 0) return false;
    const { lanes, queued } = batch;
    const held = (tenantId: string, picked: number) => this.#held(worker, tenantId, picked, lanes, queued, nowMs);
    const onPick = (tenantId: string, picked: number) => {
      batch.left -= 1;
      add(queued, this.queueOf(worker.name, tenantId), 1);
      if (!worker.shared || picked === 1) add(lanes, tenantId, 1);
    };
    // A ticket is of one queue: what is picked for one place is parted among the partitions, and would fill none.
    const parted = worker.shared ? Math.min(this.places.partitions - 1, tickets) * TICKET_MS : 0;
    const request = { runs: Math.min(batch.left, runs, allowed), ms: ms + parted, idle, reserve, held, onPick };
    const picks = this.turns.take(lane, request, nowMs);
    for (const pick of picks) {
      const rated = this.limits.isRated(pick.tenantId, worker.name);
      batch.picks.push({ ...pick, ...this.places.of(worker.name, pick.tenantId), rated });
    }
    return picks.length > 0;
  }

  /** Why nothing (more) of the tenant may be picked for the worker. */
  #held(
    { name, shared }: DispatchedWorker,
    tenantId: string,
    picked: number,
    lanes: ReadonlyMap<string, number>,
    queued: ReadonlyMap<string, number>,
    nowMs: number,
  ): HoldReason | undefined {
    const queue = this.queueOf(name, tenantId);
    const set = this.controls.ofTenant(tenantId, name) ?? this.controls.ofQueue(queue);
    if (set !== undefined) return set.reason;
    const limit = this.limits.reason(tenantId, name, picked, this.flight.ofTenant(tenantId, name), nowMs);
    if (limit !== undefined) return limit;
    if (shared && picked === 0 && this.flight.ofTenant(tenantId, name) > 0) return 'in_turn';
    if (this.flight.inQueue(queue) + (queued.get(queue) ?? 0) >= this.#options.windows.perQueue) {
      this.#filled.add(queue);
      return 'window';
    }
    if (shared && picked > 0) return undefined;
    const taken = this.flight.lanes(tenantId) + (lanes.get(tenantId) ?? 0);
    return taken >= this.capOf(tenantId) ? 'cap' : undefined;
  }

  /** A queue that was full has room again: who was passed over for that gets turns. */
  #reopen(queue: string, nowMs: number): void {
    for (const { tenantId, worker } of [...this.turns.holds.now('window')]) {
      if (this.queueOf(worker, tenantId) === queue) this.turns.release(tenantId, nowMs);
    }
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
