import type { Completion } from '../../queues/completion-message.ts';
import { hearCompletions } from '../../queues/completions.ts';
import type { TicketKeySource } from '../../queues/consumer.ts';
import type { Database } from '../db/database.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { DispatchLease } from '../dispatch/lease.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Check } from '../observe/health-server.ts';
import type { Redis } from '../redis/connection.ts';
import type { Leadership } from './leadership.ts';
import { Loop } from './loop.ts';
import type { Planner } from './planner.ts';
import { scheduleSql } from './sql.ts';

/** What a scheduler process is made of. */
export interface SchedulerServiceOptions {
  readonly shard: string;
  readonly database: Database;
  readonly lease: DispatchLease;
  readonly leadership: Leadership;
  readonly dispatcher: Dispatcher;
  readonly planner: Planner;
  readonly keys: TicketKeySource;
  readonly events: Events;
  readonly clock: Clock;
  readonly subscriberRedis: Redis;
  /** Number of shared partitions that the registry is seeded with. */
  readonly partitions: number;
}

const RENEW_MS = 400;
const ROUND_MS = 1_000;
const PATIENCE_MS = 30_000;

/**
 * The inside of a scheduler process. Any of them plans slots; the holder of the lease also dispatches, rescues, counts
 * and keeps house. A standby takes over within 2 s.
 */
export class SchedulerService {
  readonly #options: SchedulerServiceOptions;
  readonly #renewal: Loop;
  readonly #planning: Loop;
  #led = false;
  #beat: number;
  #stopHearing: (() => Promise<void>) | undefined;

  constructor(options: SchedulerServiceOptions) {
    this.#options = options;
    this.#beat = options.clock.monotonicMs();
    const loop = (name: string, everyMs: number, round: () => Promise<number | undefined>) =>
      new Loop({ name, everyMs, round, events: options.events });
    this.#renewal = loop('lease', RENEW_MS, () => this.#renew());
    this.#planning = loop('plan', ROUND_MS, () => this.#plan());
  }

  /** Whether this process dispatches now. */
  get leads(): boolean {
    return this.#options.lease.held;
  }

  /** False when the lease loop has not ended a round for 30 s: the process should be replaced. */
  get live(): Check {
    const ok = this.#options.clock.monotonicMs() - this.#beat < PATIENCE_MS;
    return { ok, says: ok ? 'its loops turn' : 'its loops stand still' };
  }

  async start(): Promise<void> {
    const { database, partitions, subscriberRedis, dispatcher, keys, events } = this.#options;
    await database.rows(scheduleSql.seedPartitions, [partitions]);
    const heard = (completions: readonly Completion[]) => {
      if (!this.leads) return;
      for (const completion of completions) dispatcher.completed(completion);
    };
    this.#stopHearing = await hearCompletions(subscriberRedis, keys, heard, (reason) =>
      events.emit('completions.refused', { reason }),
    );
    this.#renewal.start();
    this.#planning.start();
  }

  /** Ends every loop after its round, and gives the lease up. Idempotent. */
  async stop(): Promise<void> {
    const { leadership, lease } = this.#options;
    await Promise.all([this.#renewal.stop(), this.#planning.stop(), leadership.stop()]);
    await this.#stopHearing?.();
    // When Postgres is away the lease runs out by itself.
    await lease.release().catch(() => undefined);
  }

  /** Heard a notification: something became owed while the dispatcher slept. */
  notified(payload: string): void {
    if (this.leads) this.#options.leadership.notified(payload);
  }

  async #renew(): Promise<undefined> {
    const { lease, events, shard, leadership, clock } = this.#options;
    this.#beat = clock.monotonicMs();
    let held = false;
    try {
      held = await lease.renew();
    } finally {
      const { epoch, holder } = lease;
      if (held && !this.#led) {
        this.#led = true;
        events.emit('dispatch.lease_taken', { shard, epoch, holder });
        leadership.begin();
      } else if (!held && !lease.held && this.#led) {
        this.#led = false;
        events.emit('dispatch.lease_lost', { shard, epoch, holder });
        await leadership.stop();
        leadership.forget();
      }
    }
  }

  async #plan(): Promise<undefined> {
    await this.#options.planner.planDue();
  }
}
