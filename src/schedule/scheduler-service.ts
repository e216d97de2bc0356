import { type Completion, hearCompletions } from '../../queues/completions.ts';
import { readSlots } from '../../queues/consumers.ts';
import { announceTopology } from '../../queues/topology.ts';
import type { Database } from '../db/database.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { DispatchLease } from '../dispatch/lease.ts';
import type { Windows } from '../dispatch/windows.ts';
import type { Clock } from '../kernel/clock.ts';
import type { LedgerStats } from '../ledger/stats.ts';
import type { LedgerUpkeep } from '../ledger/upkeep.ts';
import type { Events } from '../observe/events.ts';
import type { Check } from '../observe/health-server.ts';
import type { Redis } from '../redis/connection.ts';
import type { CycleCounts } from './cycle-counts.ts';
import type { Hints } from './hints.ts';
import { Loop } from './loop.ts';
import type { Planner } from './planner.ts';
import { scheduleSql } from './sql.ts';

/** What a scheduler process is made of. */
export interface SchedulerServiceOptions {
  readonly shard: string;
  readonly database: Database;
  readonly lease: DispatchLease;
  readonly dispatcher: Dispatcher;
  readonly windows: Windows;
  readonly planner: Planner;
  readonly hints: Hints;
  readonly counts: CycleCounts;
  readonly stats: LedgerStats;
  readonly upkeep: LedgerUpkeep;
  readonly events: Events;
  readonly clock: Clock;
  readonly producerRedis: Redis;
  readonly subscriberRedis: Redis;
  /** Number of shared partitions that the registry is seeded with. */
  readonly partitions: number;
  readonly housekeepingMs: number;
}

const RENEW_MS = 400;
const ROUND_MS = 1_000;
const STATS_MS = 5_000;
const PATIENCE_MS = 30_000;
/** An announcement outlives a few missed beats, so that a takeover does not make consumers forget where the work is. */
const ANNOUNCEMENT_MS = 10_000;

/**
 * The inside of a scheduler process. Any of them plans slots; the holder of the lease also dispatches, rescues, counts
 * and keeps house. A standby takes over within 2 s.
 */
export class SchedulerService {
  readonly #options: SchedulerServiceOptions;
  readonly #leading: readonly Loop[];
  readonly #renewal: Loop;
  readonly #planning: Loop;
  readonly #looking: Loop;
  #led = false;
  #announced = false;
  #enrolling = true;
  #asleep = false;
  #beat: number;
  #stopHearing: (() => Promise<void>) | undefined;

  constructor(options: SchedulerServiceOptions) {
    this.#options = options;
    this.#beat = options.clock.monotonicMs();
    const loop = (name: string, everyMs: number, round: () => Promise<number | undefined>) =>
      new Loop({ name, everyMs, round, events: options.events });
    this.#renewal = loop('lease', RENEW_MS, () => this.#renew());
    this.#planning = loop('plan', ROUND_MS, () => this.#plan());
    this.#looking = loop('dispatch', ROUND_MS, () => this.#look());
    this.#leading = [
      this.#looking,
      loop('topology', ROUND_MS, () => this.#announce()),
      loop('rescue', ROUND_MS, () => this.#rescue()),
      loop('hints', ROUND_MS, () => this.#fold()),
      loop('cycles', ROUND_MS, () => options.counts.gather()),
      loop('stats', STATS_MS, () => options.stats.collect()),
      loop('house', options.housekeepingMs, () => this.#sweep()),
    ];
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
    const { database, partitions, subscriberRedis, dispatcher } = this.#options;
    await database.rows(scheduleSql.seedPartitions, [partitions]);
    const heard = (completions: readonly Completion[]) => {
      if (!this.leads) return;
      for (const completion of completions) dispatcher.completed(completion);
    };
    this.#stopHearing = await hearCompletions(subscriberRedis, heard);
    this.#renewal.start();
    this.#planning.start();
  }

  /** Ends every loop after its round, and gives the lease up. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([this.#renewal, this.#planning, ...this.#leading].map((loop) => loop.stop()));
    await this.#options.dispatcher.settled();
    await this.#stopHearing?.();
    // When Postgres is away the lease runs out by itself.
    await this.#options.lease.release().catch(() => undefined);
  }

  async #renew(): Promise<undefined> {
    const { lease, events, shard, dispatcher, clock } = this.#options;
    this.#beat = clock.monotonicMs();
    let held = false;
    try {
      held = await lease.renew();
    } finally {
      const { epoch, holder } = lease;
      if (held && !this.#led) {
        this.#led = true;
        this.#announced = false;
        this.#enrolling = true;
        this.#asleep = false;
        events.emit('dispatch.lease_taken', { shard, epoch, holder });
        for (const loop of this.#leading) loop.start();
      } else if (!held && !lease.held && this.#led) {
        this.#led = false;
        events.emit('dispatch.lease_lost', { shard, epoch, holder });
        await Promise.all(this.#leading.map((loop) => loop.stop()));
        dispatcher.forget();
      }
    }
  }

  async #plan(): Promise<undefined> {
    if ((await this.#options.planner.planDue()) > 0) this.#looking.soon();
  }

  /** Something became owed while the dispatcher slept. */
  wake(): void {
    if (this.leads) this.#looking.soon();
  }

  /** The dispatcher ran out of work: it looks once more and then sleeps. */
  idle(): void {
    if (this.leads && !this.#asleep) this.#looking.soon();
  }

  /** @returns the pause before the next look: a tenth of the time at most, however long the backlog. */
  async #look(): Promise<number> {
    const { clock, dispatcher, lease } = this.#options;
    const started = clock.monotonicMs();
    await dispatcher.look();
    if (dispatcher.idle !== this.#asleep) {
      this.#asleep = dispatcher.idle;
      await lease.sleep(this.#asleep);
      // What was made before the notification was asked for has notified nobody.
      if (this.#asleep) await dispatcher.look();
    }
    if (dispatcher.unsent) await dispatcher.rebuild();
    return 10 * (clock.monotonicMs() - started);
  }

  async #announce(): Promise<undefined> {
    const { dispatcher, windows, producerRedis, clock } = this.#options;
    windows.follow(await readSlots(producerRedis, clock.now().getTime()));
    const topology = { partitions: dispatcher.partitions, extra: dispatcher.busyQueues };
    const wasThere = await announceTopology(producerRedis, topology, ANNOUNCEMENT_MS);
    // A new dispatcher cannot know which tickets its predecessor sent; an emptied Redis has none of them.
    if (!this.#announced || !wasThere) {
      await dispatcher.look();
      await dispatcher.rebuild();
    }
    this.#announced = true;
  }

  async #rescue(): Promise<undefined> {
    const rescued = await this.#options.upkeep.rescue();
    if (rescued.length === 0) return;
    const running = rescued.filter(({ was }) => was === 'running').length;
    this.#options.events.emit('runs.rescued', { running, queued: rescued.length - running });
    this.#looking.soon();
  }

  async #fold(): Promise<undefined> {
    const { hints } = this.#options;
    if (this.#enrolling) await hints.enrol();
    this.#enrolling = false;
    while ((await hints.fold()) > 0 && this.leads);
  }

  async #sweep(): Promise<undefined> {
    for (let swept = 1; swept > 0 && this.leads; ) {
      const gone = await this.#options.upkeep.sweep();
      swept = gone.runs;
      if (gone.runs + gone.cycles > 0) this.#options.events.emit('house.swept', gone);
    }
  }
}
