import type { Completion } from '../../queues/completions.ts';
import type { TicketProducer } from '../../queues/producer.ts';
import { queueFor } from '../../queues/topology.ts';
import type { Queryable } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Events } from '../observe/events.ts';
import type { CostBook } from './cost-book.ts';
import { FairOrder } from './fair-order.ts';
import { Flight, type FlyingRun } from './flight.ts';
import type { DispatchLease } from './lease.ts';
import { mostTogether, pack } from './packing.ts';
import { dispatchSql } from './sql.ts';

/** A worker as the dispatcher needs to know it. */
export interface DispatchedWorker {
  readonly name: string;
  /** Its runs share tickets, and those of one tenant go one after another; else each has a ticket of its own. */
  readonly shared: boolean;
}

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  readonly producer: TicketProducer;
  readonly events: Events;
  readonly clock: Clock;
  /** The workers whose runs it dispatches. */
  readonly workers: readonly DispatchedWorker[];
  readonly costs: CostBook;
  /** Most admitted runs of one queue at once. */
  readonly window: number;
  /** A queued run that nobody claimed for so long is taken back. */
  readonly waitMs: number;
  /** Number of shared partitions until the registry says another. */
  readonly partitions: number;
  /** Told when it has dispatched what there was and the last of it has left: it may sleep. */
  readonly onIdle: () => void;
}

type Admitted = { tenant_id: string; run_id: string; worker: string; attempt: number };
type Placement = { tenant_id: string; dedicated: boolean; weight: number };

/** Runs picked for one admission. */
const BATCH = 500;
/** How soon the next look comes at the latest, in ms. */
const LOOK_MS = 1_000;
const LEASE_GONE = 'RA001';

/**
 * Moves runs from owed to queued in fair order by time, within each queue's window and each tenant's cap. Only the
 * holder of the shard's lease admits. Its memory is a picture of the ledger: losing it costs one look, and at most one
 * largest charge of unfairness per tenant.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #order = new FairOrder();
  readonly #flight = new Flight();
  /** What a tenant's pick was last expected to cost, before the worker of its next run is known. */
  readonly #guesses = new Map<string, number>();
  readonly #shared: ReadonlySet<string>;
  #slots: ReadonlyMap<string, number> = new Map();
  #partitions: number;
  #work: Promise<void> = Promise.resolve();
  #pumping = false;
  #again = false;
  #unsent = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#partitions = options.partitions;
    this.#shared = new Set(options.workers.filter(({ shared }) => shared).map(({ name }) => name));
  }

  /** Shared partitions, as the registry said last. */
  get partitions(): number {
    return this.#partitions;
  }

  /** Queues with admitted work, wherever their tenants are placed now. */
  get busyQueues(): readonly string[] {
    return this.#flight.queues;
  }

  /** Nobody waits and nothing is admitted. */
  get idle(): boolean {
    return this.#order.size === 0 && this.#flight.size === 0;
  }

  /** Tickets were not accepted by Redis: `rebuild` puts them there. */
  get unsent(): boolean {
    return this.#unsent;
  }

  /** Slots per worker, as the processes have announced them: bounds what waits in front of those whose runs cannot share tickets. */
  follow(slots: ReadonlyMap<string, number>): void {
    this.#slots = slots;
  }

  /** Reads from the ledger who has owed work and what is in flight, then dispatches. @returns how many tenants wait. */
  async look(): Promise<number> {
    await this.#alone(async () => {
      const { database } = this.#options;
      const [partitions] = await database.rows<{ partitions: number }>(dispatchSql.partitions);
      this.#partitions = partitions?.partitions ?? this.#options.partitions;
      const flying = await database.rows<Admitted & { state: 'queued' | 'running' }>(dispatchSql.inFlight);
      const placed = await this.#placements([...new Set(flying.map((run) => run.tenant_id))]);
      this.#flight.replace(flying.map((run) => ({ ...this.#flying(run, placed), state: run.state })));
      for (const owed of await database.rows<{ tenant_id: string; weight: number }>(dispatchSql.owedTenants)) {
        this.#order.add(owed.tenant_id, owed.weight);
      }
    });
    this.pump();
    return this.#order.size;
  }

  /** Puts the tickets of all queued runs into Redis again; those still there are not doubled. */
  async rebuild(): Promise<number> {
    let sent = 0;
    await this.#alone(async () => {
      const queued = this.#flight.queued;
      await this.#send(queued);
      sent = queued.length;
    });
    return sent;
  }

  /** A run has left its worker: its tenant is charged what it took, its place is free, and the tenant may have more. */
  completed({ tenant, run, worker, ms }: Completion): void {
    const flown = this.#flight.remove(run);
    if (ms !== null) this.#options.costs.measured(tenant, worker, ms);
    // What was admitted by a predecessor and is not in the picture yet is found by the next look.
    if (flown === undefined) return;
    this.#order.settle(tenant, flown.estimateMs, ms ?? 0);
    this.#order.add(tenant, flown.weight);
    this.pump();
  }

  /** Dispatches until nobody waits or every window is full. Returns at once; calls meanwhile are folded into one. */
  pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    const { events } = this.#options;
    void this.#alone(async () => {
      while (this.#again && this.#options.lease.held) {
        this.#again = false;
        while (this.#order.size > 0 && this.#options.lease.held && (await this.#round()));
      }
    })
      .catch((error: unknown) => {
        // Whoever was not reached is found by the next look; that it failed must not go unsaid.
        const code = error instanceof RaeError ? error.code : 'RAE_INTERNAL';
        events.emit('loop.failed', { loop: 'admit', code, message: messageOf(error), retryInMs: LOOK_MS });
      })
      .finally(() => {
        this.#pumping = false;
        if (this.idle) this.#options.onIdle();
      });
  }

  /** Forgets everything: another process dispatches now. */
  forget(): void {
    this.#order.clear();
    this.#guesses.clear();
    this.#flight.replace([]);
  }

  /** Resolves when what was begun has ended. */
  async settled(): Promise<void> {
    await this.#work.catch(() => undefined);
  }

  /** One batch of picks. @returns whether another may find something: a run was admitted, or a tenant turned out to have none. */
  async #round(): Promise<boolean> {
    const { clock, events } = this.#options;
    const started = clock.monotonicMs();
    const picks = this.#picks();
    if (picks.size === 0) return false;
    const placed = await this.#placements([...picks.keys()]);
    const room = this.#room([...picks.keys()], placed);
    if (room.size === 0) {
      for (const [tenantId, { count, cost }] of picks) this.#order.refund(tenantId, count * cost);
      return false;
    }
    const admitted = await this.#admit(picks, room);
    const flying = admitted.map((run) => this.#flying(run, placed));
    this.#charge(picks, room, flying);
    for (const run of flying) this.#flight.add(run);
    await this.#send(flying);
    if (admitted.length > 0) {
      events.emit('dispatch.admitted', { runs: admitted.length, ms: clock.monotonicMs() - started });
    }
    return true;
  }

  /** Whose turn it is, how often, and what each pick was charged: tenants in fair order for as much as may be admitted now. */
  #picks(): Map<string, { count: number; readonly cost: number }> {
    const picks = new Map<string, { count: number; readonly cost: number }>();
    const free =
      this.#options.window * Math.max(1, this.#options.workers.length * this.#partitions) - this.#flight.size;
    for (let left = Math.min(BATCH, free); left > 0; left -= 1) {
      const ahead = this.#order.peek();
      if (ahead === undefined) break;
      const known = picks.get(ahead);
      const cost =
        known?.cost ??
        this.#guesses.get(ahead) ??
        this.#options.costs.estimate(ahead, this.#options.workers[0]?.name ?? '');
      if (known !== undefined && known.count >= mostTogether(cost)) {
        // It has its fill of one ticket; others come before its next.
        this.#order.park(ahead);
        continue;
      }
      this.#order.next(cost);
      if (known === undefined) picks.set(ahead, { count: 1, cost });
      else known.count += 1;
    }
    for (const tenantId of picks.keys()) this.#order.unpark(tenantId);
    return picks;
  }

  /** For each tenant the workers whose queue has room for one more of its runs. */
  #room(tenantIds: readonly string[], placed: ReadonlyMap<string, Placement>): ReadonlyMap<string, string> {
    const asked = new Map<string, string>();
    const expected = new Map<string, number>();
    for (const tenantId of tenantIds) {
      const room = this.#options.workers.filter(({ name }) => {
        const queue = this.#queue(name, tenantId, placed);
        const taken = this.#flight.count(queue) + (expected.get(queue) ?? 0);
        if (taken >= this.#windowOf(name)) return false;
        expected.set(queue, (expected.get(queue) ?? 0) + 1);
        return true;
      });
      if (room.length > 0) asked.set(tenantId, room.map(({ name }) => name).join(','));
    }
    return asked;
  }

  /** Runs that cannot share tickets wait in Redis for at most about one service time: twice the slots there are. */
  #windowOf(worker: string): number {
    const slots = this.#slots.get(worker);
    if (this.#shared.has(worker) || slots === undefined) return this.#options.window;
    return Math.min(this.#options.window, Math.max(2, Math.ceil((2 * slots) / this.#partitions)));
  }

  async #admit(
    picks: ReadonlyMap<string, { readonly count: number }>,
    room: ReadonlyMap<string, string>,
  ): Promise<readonly Admitted[]> {
    const { database, lease, waitMs } = this.#options;
    const tenants = [...room.keys()];
    const want = tenants.map((tenantId) => picks.get(tenantId)?.count ?? 1);
    const values = [
      lease.name,
      lease.holder,
      lease.epoch,
      tenants,
      [...room.values()],
      want,
      [...this.#shared],
      waitMs,
    ];
    try {
      const admitted = await database.rows<Admitted>(dispatchSql.admit, values);
      const order = new Map(tenants.map((tenantId, index) => [tenantId, index]));
      return admitted.sort((a, b) => (order.get(a.tenant_id) ?? 0) - (order.get(b.tenant_id) ?? 0));
    } catch (error) {
      if (sqlStateOf(error) !== LEASE_GONE) throw error;
      lease.lost();
      return [];
    }
  }

  /** Corrects what the picks were charged to what was admitted. A tenant that had less than its picks has nothing more for now. */
  #charge(
    picks: ReadonlyMap<string, { readonly count: number; readonly cost: number }>,
    room: ReadonlyMap<string, string>,
    flying: readonly FlyingRun[],
  ): void {
    const had = new Map<string, number>();
    for (const { tenantId, estimateMs } of flying) {
      had.set(tenantId, (had.get(tenantId) ?? 0) + 1);
      this.#order.settle(tenantId, picks.get(tenantId)?.cost ?? 0, estimateMs);
      this.#guesses.set(tenantId, estimateMs);
    }
    for (const [tenantId, { count, cost }] of picks) {
      const missing = count - (had.get(tenantId) ?? 0);
      if (missing > 0) this.#order.refund(tenantId, missing * cost);
      if (missing > 0 && room.has(tenantId)) {
        this.#order.remove(tenantId);
        this.#guesses.delete(tenantId);
      }
    }
  }

  async #send(runs: readonly FlyingRun[]): Promise<void> {
    const tickets = pack(runs, {
      shared: this.#shared,
      estimate: ({ estimateMs }) => estimateMs,
      slots: (worker) => this.#slots.get(worker) ?? 1,
    });
    try {
      await this.#options.producer.add(
        tickets.map((ticket) => ({
          v: 1 as const,
          queue: ticket[0]?.queue ?? '',
          runs: ticket.map((run) => ({ tenant: run.tenantId, run: run.runId, attempt: run.attempt })),
        })),
      );
      this.#unsent = false;
    } catch {
      // Redis is away: the runs stay queued in the ledger, and their tickets are sent when it is back.
      this.#unsent = true;
    }
  }

  async #placements(tenantIds: readonly string[]): Promise<ReadonlyMap<string, Placement>> {
    if (tenantIds.length === 0) return new Map();
    const rows = await this.#options.database.rows<Placement>(dispatchSql.placements, [tenantIds]);
    return new Map(rows.map((row) => [row.tenant_id, row]));
  }

  #queue(worker: string, tenantId: string, placed: ReadonlyMap<string, Placement>): string {
    return queueFor(worker, tenantId, { dedicated: placed.get(tenantId)?.dedicated ?? false }, this.#partitions);
  }

  #flying(run: Admitted, placed: ReadonlyMap<string, Placement>): FlyingRun {
    const { tenant_id: tenantId, run_id: runId, worker, attempt } = run;
    return {
      tenantId,
      runId,
      worker,
      attempt,
      queue: this.#queue(worker, tenantId, placed),
      state: 'queued',
      weight: placed.get(tenantId)?.weight ?? 1,
      estimateMs: this.#options.costs.estimate(tenantId, worker),
    };
  }

  /** Runs `work` after whatever is under way, so that a look and a round never mix their pictures. */
  #alone(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.catch(() => undefined).then(work);
    this.#work = turn;
    return turn;
  }
}
