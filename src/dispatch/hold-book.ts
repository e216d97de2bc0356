import type { Queryable } from '../db/database.ts';
import type { Clock } from '../kernel/clock.ts';
import type { HoldReason } from '../ledger/hold-reason.ts';
import type { ControlHold } from './control-hold.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Hold } from './hold-times.ts';
import { dispatchSql } from './sql.ts';
import type { DispatchedWorker, Windows } from './windows.ts';

/** What the record of holds is kept with. */
export interface HoldBookOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly windows: Windows;
  readonly workers: readonly DispatchedWorker[];
}

/** Held for a shorter time is no hold to be explained: a place that is being refilled. In ms. */
const LASTING_MS = 250;
/** Tenants that are written at once. */
const BATCH = 1_000;

/** Looks without a sign of it until a queue's hold is over. */
const LOOKS = 2;
/** Stands for every queue of a worker. */
const EVERY = '*';

/** A hold as it was decided, with what operators have set where it is that. */
type SetHold = Omit<ControlHold, 'reason'>;
type KnownHold = Hold & { readonly set: SetHold | undefined };

interface QueueHold {
  readonly worker: string;
  readonly queue: string;
  readonly reason: 'window' | 'no_consumer' | 'paused' | 'total_cap';
  readonly value: number | null;
  readonly bound: number | null;
  readonly set?: SetHold | undefined;
}

/**
 * Records why owed work is held, as the dispatcher decided it: `rae run why`, metrics and queue lists read that record
 * and never guess. What holds for a moment is not recorded, and what has not changed is not written again.
 */
export class HoldBook {
  readonly #options: HoldBookOptions;
  readonly #recorded = new Map<string, KnownHold>();
  /** What holds whole queues, since when (in ms since 1970), and for how many looks it has not been seen. */
  readonly #queues = new Map<string, { hold: QueueHold; since: number; unseen: number }>();
  #written = '';

  constructor(options: HoldBookOptions) {
    this.#options = options;
  }

  /** Forgets what a dispatcher before has recorded. */
  async begin(): Promise<void> {
    this.#recorded.clear();
    this.#queues.clear();
    this.#written = '';
    await this.#options.database.rows(dispatchSql.forgetHolds);
  }

  /** Writes what has changed since the last time. */
  async record(): Promise<void> {
    await this.#recordTenants();
    await this.#recordQueues();
  }

  async #recordTenants(): Promise<void> {
    const { clock, dispatcher, database } = this.#options;
    const nowMs = clock.monotonicMs();
    const { turns } = dispatcher.picture;
    const passed = turns.holds.lasting(LASTING_MS, nowMs);
    const lasting = [...passed, ...this.#setHolds(nowMs)].map((hold) => ({ ...hold, set: this.#setOf(hold) }));
    // What holds a queue is recorded once.
    const holds = lasting.filter(
      ({ reason, set }) => reason !== 'window' && (!isSetByName(reason) || set !== undefined),
    );
    const current = new Map(holds.map((hold) => [`${hold.tenantId} ${hold.worker}`, hold]));
    const gone = [...this.#recorded].filter(([key]) => !current.has(key)).slice(0, BATCH);
    const fresh = [...current].filter(([key, hold]) => !isSame(this.#recorded.get(key), hold)).slice(0, BATCH);
    if (gone.length > 0) {
      const columns = [gone.map(([, { tenantId }]) => tenantId), gone.map(([, { worker }]) => worker)];
      await database.rows(dispatchSql.unhold, columns);
      for (const [key] of gone) this.#recorded.delete(key);
    }
    if (fresh.length === 0) return;
    const wall = clock.now().getTime();
    await database.rows(dispatchSql.hold, [
      fresh.map(([, { tenantId }]) => tenantId),
      fresh.map(([, { worker }]) => worker),
      fresh.map(([, { reason }]) => reason),
      fresh.map(([, { tenantId, worker, reason }]) =>
        reason === 'cap'
          ? dispatcher.picture.flight.lanes(tenantId)
          : isSetByName(reason)
            ? null
            : dispatcher.picture.flight.ofTenant(tenantId, worker),
      ),
      fresh.map(([, hold]) => this.#boundOf(hold)),
      fresh.map(([, { sinceMs }]) => new Date(wall - (nowMs - sinceMs))),
      fresh.map(([, { set }]) => set?.owner ?? null),
      fresh.map(([, { set }]) => set?.clearsAt ?? null),
    ]);
    for (const [key, hold] of fresh) this.#recorded.set(key, hold);
  }

  /**
   * What operators hold by the name of its tenant. It is known without a try to admit it: where nobody takes a worker's
   * work there is none, and what is held must not look as if more processes would help it.
   */
  *#setHolds(sinceMs: number): Generator<Hold> {
    const { dispatcher, workers } = this.#options;
    const { controls } = dispatcher.picture;
    for (const tenantId of controls.heldTenants) {
      for (const { name: worker } of workers) {
        const set = controls.ofTenant(tenantId, worker);
        if (set !== undefined) yield { tenantId, worker, reason: set.reason, sinceMs };
      }
    }
  }

  /** What operators have set that holds it. */
  #setOf({ tenantId, worker, reason }: Hold): SetHold | undefined {
    const { controls, limits } = this.#options.dispatcher.picture;
    if (isSetByName(reason)) return controls.ofTenant(tenantId, worker);
    if (reason !== 'worker_cap' && reason !== 'rate') return undefined;
    return { owner: limits.of(tenantId, worker)?.owner ?? null, clearsAt: null };
  }

  #boundOf({ tenantId, worker, reason }: Hold): number | null {
    const { picture } = this.#options.dispatcher;
    if (reason === 'cap') return picture.capOf(tenantId);
    const limit = picture.limits.of(tenantId, worker);
    return (reason === 'worker_cap' ? limit?.run_cap : reason === 'rate' ? limit?.rate_runs : null) ?? null;
  }

  async #recordQueues(): Promise<void> {
    const { clock, database } = this.#options;
    const now = clock.now().getTime();
    for (const [key, known] of this.#queues) {
      known.unseen += 1;
      if (known.unseen > LOOKS) this.#queues.delete(key);
    }
    for (const hold of this.#queueHolds()) {
      const key = `${hold.worker} ${hold.queue}`;
      const known = this.#queues.get(key);
      const since = known?.hold.reason === hold.reason ? known.since : now;
      this.#queues.set(key, { hold, since, unseen: 0 });
    }
    const lasting = [...this.#queues.values()].filter(({ since }) => now - since >= LASTING_MS);
    const written = JSON.stringify(
      lasting.map(({ hold: { queue, reason, bound, set } }) => [queue, reason, bound, set?.owner, set?.clearsAt]),
    );
    if (written === this.#written) return;
    await database.rows(dispatchSql.holdQueues, [
      lasting.map(({ hold }) => hold.worker),
      lasting.map(({ hold }) => hold.queue),
      lasting.map(({ hold }) => hold.reason),
      lasting.map(({ hold }) => hold.value),
      lasting.map(({ hold }) => hold.bound),
      lasting.map(({ since }) => new Date(since)),
      lasting.map(({ hold }) => hold.set?.owner ?? null),
      lasting.map(({ hold }) => hold.set?.clearsAt ?? null),
    ]);
    this.#written = written;
  }

  #queueHolds(): readonly QueueHold[] {
    const { dispatcher, windows, workers } = this.#options;
    const { flight, turns, controls } = dispatcher.picture;
    const holds: QueueHold[] = [];
    for (const worker of workers) {
      const lanes = turns.lanesOf(worker.name);
      if (lanes.length === 0) continue;
      const of = { worker: worker.name, queue: EVERY, value: flight.ofWorker(worker.name) };
      const limit = dispatcher.picture.limits.total(worker.name);
      const total = limit?.run_cap ?? undefined;
      const isWhole = lanes.length === 1 && lanes[0] === worker.name;
      const { runs, tickets } = windows.room(worker, flight);
      const set = controls.ofWorker(worker.name);
      if (set !== undefined) holds.push({ ...of, value: null, reason: 'paused', bound: null, set });
      else if (total !== undefined && of.value >= total)
        holds.push({ ...of, reason: 'total_cap', bound: total, set: { owner: limit?.owner ?? null, clearsAt: null } });
      else if (!windows.isConsumed(worker.name)) holds.push({ ...of, reason: 'no_consumer', bound: null });
      else if (!isWhole) for (const lane of lanes) holds.push(...this.#laneHolds(worker, lane));
      else if (runs <= 0 || tickets <= 0) holds.push({ ...of, reason: 'window', bound: windows.limit(worker) });
    }
    for (const { tenantId, worker } of turns.holds.now('paused')) {
      const queue = dispatcher.picture.queueOf(worker, tenantId);
      const set = controls.ofQueue(queue);
      if (set === undefined || holds.some((hold) => hold.queue === queue)) continue;
      holds.push({ worker, queue, reason: 'paused', value: null, bound: null, set });
    }
    const full = new Map<string, string>();
    for (const { tenantId, worker } of turns.holds.now('window'))
      full.set(dispatcher.picture.queueOf(worker, tenantId), worker);
    for (const [queue, worker] of full) {
      holds.push({ worker, queue, reason: 'window', value: flight.inQueue(queue), bound: windows.perQueue });
    }
    return holds;
  }

  /** Of a worker whose processes take different queues: those whose processes are busy, or that have none. */
  #laneHolds(worker: DispatchedWorker, lane: string): readonly QueueHold[] {
    const { dispatcher, windows } = this.#options;
    const { flight, turns, controls } = dispatcher.picture;
    const { runs, tickets } = windows.room(worker, flight, lane);
    if (runs > 0 && tickets > 0) return [];
    const queues = new Set<string>();
    for (const tenantId of turns.waitingIn(lane)) queues.add(dispatcher.picture.queueOf(worker.name, tenantId));
    const isTaken = windows.isConsumed(worker.name, lane);
    const why = isTaken
      ? { reason: 'window' as const, bound: windows.limit(worker, lane) }
      : { reason: 'no_consumer' as const, bound: null };
    // What operators have paused is held by that.
    const own = [...queues].filter((queue) => controls.ofQueue(queue) === undefined);
    return own.map((queue) => ({ worker: worker.name, queue, value: flight.inQueue(queue), ...why }));
  }
}

function isSetByName(reason: HoldReason): boolean {
  return reason === 'paused' || reason === 'maintenance_window' || reason === 'blackout';
}

function isSame(a: KnownHold | undefined, b: KnownHold): boolean {
  return (
    a?.reason === b.reason && a.set?.owner === b.set?.owner && a.set?.clearsAt?.getTime() === b.set?.clearsAt?.getTime()
  );
}
