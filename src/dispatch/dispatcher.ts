import type { Completion } from '../../queues/completions.ts';
import type { TicketProducer } from '../../queues/producer.ts';
import { queueFor } from '../../queues/topology.ts';
import type { Queryable } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Events } from '../observe/events.ts';
import { Flight, type FlyingRun } from './flight.ts';
import type { DispatchLease } from './lease.ts';
import { dispatchSql } from './sql.ts';
import { TenantRing } from './tenant-ring.ts';

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  readonly producer: TicketProducer;
  readonly events: Events;
  readonly clock: Clock;
  /** The workers whose runs it dispatches. */
  readonly workers: readonly string[];
  /** Admitted runs of one queue at once. */
  readonly window: number;
  /** A queued run that nobody claimed for so long is taken back. */
  readonly waitMs: number;
  /** Number of shared partitions until the registry says another. */
  readonly partitions: number;
  /** Told when it has dispatched what there was and the last of it has left: it may sleep. */
  readonly onIdle: () => void;
}

type Admitted = { tenant_id: string; run_id: string; worker: string; attempt: number };
type Placement = { tenant_id: string; dedicated: boolean };

const BATCH = 500;
/** How soon the next look comes at the latest, in ms. */
const LOOK_MS = 1_000;
const LEASE_GONE = 'RA001';

/**
 * Moves runs from owed to queued, tenants in turn, one run per ticket, within each queue's window and each tenant's
 * cap. Only the holder of the shard's lease admits. Its memory is a picture of the ledger: losing it costs one look.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #ring = new TenantRing();
  readonly #flight = new Flight();
  #partitions: number;
  #work: Promise<void> = Promise.resolve();
  #pumping = false;
  #again = false;
  #unsent = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#partitions = options.partitions;
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
    return this.#ring.size === 0 && this.#flight.size === 0;
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
      const placed = await this.#placements([...new Set(flying.map((run) => run.tenant_id))]);
      this.#flight.replace(flying.map((run) => ({ ...this.#flying(run, placed), state: run.state })));
      for (const owed of await database.rows<{ tenant_id: string }>(dispatchSql.owedTenants))
        this.#ring.add(owed.tenant_id);
    });
    this.pump();
    return this.#ring.size;
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

  /** A run has left its worker: its place is free, and its tenant may have more. */
  completed({ tenant, run }: Completion): void {
    this.#flight.remove(run);
    this.#ring.add(tenant);
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
        // Ends when every tenant had its turn since the last admission: nobody is eligible, or no window has room.
        for (let left = this.#ring.size; left > 0 && this.#options.lease.held; ) {
          left = (await this.#round()) > 0 ? this.#ring.size : left - BATCH;
        }
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
    this.#ring.clear();
    this.#flight.replace([]);
  }

  /** Resolves when what was begun has ended. */
  async settled(): Promise<void> {
    await this.#work.catch(() => undefined);
  }

  /** One batch of tenants. @returns how many runs were admitted. */
  async #round(): Promise<number> {
    const { database, lease, clock, events } = this.#options;
    const started = clock.monotonicMs();
    const turn = this.#ring.take(BATCH);
    const placed = await this.#placements(turn);
    const asked = new Map<string, string>();
    const expected = new Map<string, number>();
    for (const tenantId of turn) {
      const room = this.#options.workers.filter((worker) => {
        const queue = this.#queue(worker, tenantId, placed);
        const taken = this.#flight.count(queue) + (expected.get(queue) ?? 0);
        if (taken >= this.#options.window) return false;
        expected.set(queue, (expected.get(queue) ?? 0) + 1);
        return true;
      });
      if (room.length > 0) asked.set(tenantId, room.join(','));
      // No room for it now: it keeps waiting, behind those that were before it.
      else this.#ring.add(tenantId);
    }
    if (asked.size === 0) return 0;
    const values = [
      lease.name,
      lease.holder,
      lease.epoch,
      [...asked.keys()],
      [...asked.values()],
      this.#options.waitMs,
    ];
    const admitted = await database.rows<Admitted>(dispatchSql.admit, values).catch((error: unknown) => {
      if (sqlStateOf(error) !== LEASE_GONE) {
        for (const tenantId of asked.keys()) this.#ring.add(tenantId);
        throw error;
      }
      lease.lost();
      return [];
    });
    const order = new Map([...asked.keys()].map((tenantId, index) => [tenantId, index]));
    admitted.sort((a, b) => (order.get(a.tenant_id) ?? 0) - (order.get(b.tenant_id) ?? 0));
    const flying = admitted.map((run) => this.#flying(run, placed));
    for (const run of flying) {
      this.#flight.add(run);
      this.#ring.add(run.tenantId);
    }
    await this.#send(flying);
    if (admitted.length > 0) {
      events.emit('dispatch.admitted', { runs: admitted.length, ms: clock.monotonicMs() - started });
    }
    return admitted.length;
  }

  async #send(runs: readonly FlyingRun[]): Promise<void> {
    try {
      await this.#options.producer.add(
        runs.map((run) => ({
          v: 1 as const,
          queue: run.queue,
          runs: [{ tenant: run.tenantId, run: run.runId, attempt: run.attempt }],
        })),
      );
      this.#unsent = false;
    } catch {
      // Redis is away: the runs stay queued in the ledger, and their tickets are sent when it is back.
      this.#unsent = true;
    }
  }

  async #placements(tenantIds: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    if (tenantIds.length === 0) return new Map();
    const rows = await this.#options.database.rows<Placement>(dispatchSql.placements, [tenantIds]);
    return new Map(rows.map((row) => [row.tenant_id, row.dedicated]));
  }

  #queue(worker: string, tenantId: string, placed: ReadonlyMap<string, boolean>): string {
    return queueFor(worker, tenantId, { dedicated: placed.get(tenantId) ?? false }, this.#partitions);
  }

  #flying(run: Admitted, placed: ReadonlyMap<string, boolean>): FlyingRun {
    const { tenant_id: tenantId, run_id: runId, worker, attempt } = run;
    return { tenantId, runId, worker, attempt, queue: this.#queue(worker, tenantId, placed), state: 'queued' };
  }

  /** Runs `work` after whatever is under way, so that a look and a round never mix their pictures. */
  #alone(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.catch(() => undefined).then(work);
    this.#work = turn;
    return turn;
  }
}
