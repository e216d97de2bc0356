import type { Completion } from '../../queues/completions.ts';
import type { TicketProducer } from '../../queues/producer.ts';
import type { Queryable } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Events } from '../observe/events.ts';
import type { CostBook } from './cost-book.ts';
import { Flight, type FlyingRun } from './flight.ts';
import type { DispatchLease } from './lease.ts';
import { pack } from './packing.ts';
import { Placements } from './placements.ts';
import { dispatchSql } from './sql.ts';
import type { TicketSealer } from './ticket-sealer.ts';
import { Turns } from './turns.ts';
import type { DispatchedWorker, Room, Windows } from './windows.ts';

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  readonly producer: TicketProducer;
  readonly sealer: TicketSealer;
  readonly events: Events;
  readonly clock: Clock;
  /** The workers whose runs it dispatches. */
  readonly workers: readonly DispatchedWorker[];
  readonly costs: CostBook;
  /** Bounds what is admitted. */
  readonly windows: Windows;
  /** A queued run that nobody claimed for so long is taken back. */
  readonly waitMs: number;
  /** Number of shared partitions until the registry says another. */
  readonly partitions: number;
  /** Told when it has dispatched what there was and the last of it has left: it may sleep. */
  readonly onIdle: () => void;
}

type Admitted = { tenant_id: string; run_id: string; worker: string; attempt: number };

/** Runs picked for one admission. */
const BATCH = 500;
/** The next look comes so soon, in ms. */
const LOOK_MS = 1_000;
const LEASE_GONE = 'RA001';

/**
 * Moves runs from owed to queued in fair order by time, within each queue's window and each tenant's cap. Only the
 * holder of the shard's lease admits. Its memory is a picture of the ledger: losing it costs one look, and at most one
 * largest charge of unfairness per tenant.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #turns: Turns;
  readonly #flight = new Flight();
  readonly #shared: ReadonlySet<string>;
  #partitions: number;
  #work: Promise<void> = Promise.resolve();
  #pumping = false;
  #again = false;
  #unsent = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#turns = new Turns(options.costs);
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
    return this.#turns.size === 0 && this.#flight.size === 0;
  }

  /** Tickets were not accepted by Redis: `rebuild` puts them there. */
  get unsent(): boolean {
    return this.#unsent;
  }

  /** Reads from the ledger who has owed work and what is in flight, then dispatches. @returns how many tenants wait. */
  async look(): Promise<number> {
    await this.#alone(async () => {
      const { database } = this.#options;
      const [partitions] = await database.rows<{ partitions: number }>(dispatchSql.partitions);
      this.#partitions = partitions?.partitions ?? this.#options.partitions;
      const flying = await database.rows<Admitted & { state: 'queued' | 'running' }>(dispatchSql.inFlight);
      const placed = await Placements.of(
        this.#options.database,
        [...new Set(flying.map((run) => run.tenant_id))],
        this.#partitions,
      );
      const picture = flying.map((run) => {
        const known = this.#flight.get(run.run_id);
        // What it was charged stays what it was charged; what is new in the picture a predecessor has picked.
        const { estimateMs, charged } = known ?? { estimateMs: 0, charged: false };
        return { ...this.#flying(run, placed), estimateMs, charged, state: run.state };
      });
      this.#flight.replace(picture);
      for (const owed of await database.rows<{ tenant_id: string; weight: number }>(dispatchSql.owedTenants)) {
        this.#turns.add(owed.tenant_id, owed.weight);
      }
    });
    this.pump();
    return this.#turns.size;
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
  completed({ run, ms }: Completion): void {
    const flown = this.#flight.remove(run);
    // What was admitted by a predecessor and is not in the picture yet is found by the next look.
    if (flown === undefined) return;
    this.#turns.left(flown, ms);
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
        while (this.#turns.size > 0 && this.#options.lease.held && (await this.#round()));
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
    this.#turns.clear();
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
    const free = this.#options.windows.free(this.#partitions, this.#flight.size);
    const picks = this.#turns.take(Math.min(BATCH, free), this.#options.workers[0]?.name ?? '');
    if (picks.size === 0) return false;
    const placed = await Placements.of(this.#options.database, [...picks.keys()], this.#partitions);
    const room = this.#options.windows.room(picks, this.#flight, placed);
    const admitted = room.size === 0 ? [] : await this.#admit(room);
    const flying = admitted.map((run) => this.#flying(run, placed));
    this.#turns.correct(picks, new Map([...room].map(([tenantId, { want }]) => [tenantId, want])), flying);
    if (room.size === 0) return false;
    for (const run of flying) this.#flight.add(run);
    await this.#send(flying);
    if (admitted.length > 0) {
      events.emit('dispatch.admitted', { runs: admitted.length, ms: clock.monotonicMs() - started });
    }
    return true;
  }

  async #admit(room: ReadonlyMap<string, Room>): Promise<readonly Admitted[]> {
    const { database, lease, waitMs } = this.#options;
    const tenants = [...room.keys()];
    const workers = [...room.values()].map((one) => one.workers);
    const want = [...room.values()].map((one) => one.want);
    const values = [lease.name, lease.holder, lease.epoch, tenants, workers, want, [...this.#shared], waitMs];
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

  async #send(runs: readonly FlyingRun[]): Promise<void> {
    const tickets = pack(runs, {
      shared: this.#shared,
      estimate: ({ estimateMs }) => estimateMs,
      slots: (worker) => this.#options.windows.slotsOf(worker) ?? 1,
    });
    const { producer, sealer } = this.#options;
    const sealed = tickets.map((ticket) => sealer.seal(ticket));
    try {
      await producer.add(sealed);
      this.#unsent = false;
    } catch {
      // Redis is away: the runs stay queued in the ledger, and their tickets are sent when it is back.
      this.#unsent = true;
    }
  }

  #flying(run: Admitted, placed: Placements): FlyingRun {
    const { tenant_id: tenantId, run_id: runId, worker, attempt } = run;
    return {
      tenantId,
      runId,
      worker,
      attempt,
      queue: placed.queue(worker, tenantId),
      epoch: placed.epoch(tenantId),
      state: 'queued',
      weight: placed.weight(tenantId),
      estimateMs: this.#turns.estimate(tenantId, worker),
      charged: true,
    };
  }

  /** Runs `work` after whatever is under way, so that a look and a round never mix their pictures. */
  #alone(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.catch(() => undefined).then(work);
    this.#work = turn;
    return turn;
  }
}
