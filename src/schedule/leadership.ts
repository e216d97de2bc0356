import { readConsumers } from '../../queues/consumers.ts';
import { announceTopology } from '../../queues/topology.ts';
import type { Attention } from '../dispatch/attention.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Displacement } from '../dispatch/displacement.ts';
import type { HoldBook } from '../dispatch/hold-book.ts';
import type { Noise } from '../dispatch/noise.ts';
import type { QueueWatch } from '../dispatch/queue-watch.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { LedgerStats } from '../ledger/stats.ts';
import type { LedgerUpkeep } from '../ledger/upkeep.ts';
import type { Events } from '../observe/events.ts';
import type { Redis } from '../redis/connection.ts';
import type { CycleCounts } from './cycle-counts.ts';
import type { Hints } from './hints.ts';
import { Loop } from './loop.ts';
import type { Wakes } from './wakes.ts';

/** What the holder of the lease works with. */
export interface LeadershipOptions {
  readonly dispatcher: Dispatcher;
  readonly attention: Attention;
  readonly holds: HoldBook;
  readonly watch: QueueWatch;
  readonly displacement: Displacement;
  readonly noise: Noise;
  readonly hints: Hints;
  readonly wakes: Wakes;
  readonly counts: CycleCounts;
  readonly stats: LedgerStats;
  readonly upkeep: LedgerUpkeep;
  readonly events: Events;
  readonly clock: Clock;
  readonly producerRedis: Redis;
  readonly housekeepingMs: number;
  /** Whether the lease is held still. */
  readonly leads: () => boolean;
}

const ROUND_MS = 1_000;
/** Who waits for a time of day or for a retry is found by a look through the ledger: no later than this where one is short. */
const LOOK_MOST_MS = 5_000;
/** Between two looks for notes of arrivals, while busy. */
const NOTES_MS = 5;
/** The same while asleep: a commit that began before may still leave a note. */
const ASLEEP_MS = 250;
const HOLDS_MS = 500;
/** Between two looks whose rate allows more by now; seldom where nobody has one. */
const RATES_MS = 10;
const NO_RATES_MS = 250;
/** Between two looks whether operators have set something else: what they pause holds at once, what they let go on soon. */
const CONTROLS_MS = 200;
/** Between two looks for hints: a look costs little, and a notification in every writer's commit would make them wait. */
const HINTS_MS = 200;
/** The longest pause between two such looks. */
const HINTS_MOST_MS = 1_000;
const STATS_MS = 5_000;
/** An announcement outlives a few missed beats, so that a takeover does not make consumers forget where the work is. */
const ANNOUNCEMENT_MS = 10_000;

/** What the holder of a shard's lease does besides renewing it: it dispatches, watches, rescues, counts and keeps house. */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #loops: readonly Loop[];
  /** The dispatcher knows what its predecessor left. */
  #took = false;
  #enrolling = true;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const loop = (name: string, everyMs: number, round: () => Promise<number | undefined>) =>
      new Loop({ name, everyMs, round, events: options.events });
    this.#loops = [
      loop('dispatch', ROUND_MS, () => this.#look()),
      loop('arrivals', NOTES_MS, () => this.#listen()),
      loop('topology', ROUND_MS, () => this.#announce()),
      loop('rescue', ROUND_MS, () => this.#rescue()),
      loop('queues', ROUND_MS, () => this.#watch()),
      loop('controls', CONTROLS_MS, () => this.#control()),
      loop('placements', ROUND_MS, () => this.#displace()),
      loop('rates', RATES_MS, async () => this.#release()),
      loop('holds', HOLDS_MS, () => this.#hold()),
      loop('hints', HINTS_MS, () => this.#fold()),
      loop('cycles', ROUND_MS, () => options.counts.gather()),
      loop('stats', STATS_MS, () => options.stats.collect()),
      loop('house', options.housekeepingMs, () => this.#sweep()),
    ];
  }

  /** Begins: the lease was taken. */
  begin(): void {
    this.#took = false;
    this.#enrolling = true;
    this.#options.attention.begin();
    for (const loop of this.#loops) loop.start();
  }

  /** Ends every loop after its round. What is known is kept until `forget`. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    await this.#options.dispatcher.settled();
  }

  /** Another leads now: what is known is of no worth. */
  forget(): void {
    this.#options.dispatcher.forget();
    this.#options.watch.forget();
    this.#options.displacement.forget();
  }

  /** Heard a notification: something became owed while the dispatcher slept. */
  notified(payload: string): void {
    const { attention, dispatcher, events } = this.#options;
    attention.active();
    dispatcher.notified(payload).catch((error: unknown) => {
      // The next look at the ledger finds it too.
      const code = error instanceof RaeError ? error.code : 'RAE_INTERNAL';
      events.emit('loop.failed', { loop: 'arrivals', code, message: messageOf(error), retryInMs: ROUND_MS });
    });
  }

  /**
   * Looks through the ledger. @returns the pause before the next look: ten times what it took, however long the backlog, and
   * more while looks find nobody who was not known.
   */
  async #look(): Promise<number> {
    const { clock, dispatcher, holds } = this.#options;
    const started = clock.monotonicMs();
    let news = true;
    if (this.#took) {
      news = await dispatcher.sweep();
    } else {
      await this.#announce();
      await holds.begin();
      await dispatcher.takeOver();
      this.#took = true;
    }
    const tookMs = clock.monotonicMs() - started;
    return Math.max(10 * tookMs, news ? 0 : Math.min(LOOK_MOST_MS, 50 * tookMs));
  }

  /** Looks for notes of arrivals. @returns the pause before the next look: long while asleep, as arrivals notify then. */
  async #listen(): Promise<number> {
    const { attention, dispatcher } = this.#options;
    if (!this.#took) return NOTES_MS;
    if (await attention.turn()) await dispatcher.lookForArrivals();
    if (await dispatcher.lookForArrivals()) attention.active();
    return attention.asleep ? ASLEEP_MS : NOTES_MS;
  }

  /** Follows what processes take work, tells them where it is, and watchers how much is admitted. */
  async #announce(): Promise<undefined> {
    const { dispatcher, producerRedis, events } = this.#options;
    const { picture } = dispatcher;
    // Not waited for: with Postgres away the processes must still hear where the work is.
    void dispatcher.follow((await readConsumers(producerRedis)).takers).catch(() => undefined);
    const topology = { partitions: picture.places.partitions, extra: picture.flight.queues };
    await announceTopology(producerRedis, topology, ANNOUNCEMENT_MS);
    const { most, admitted } = picture.load;
    const readings = (count: (kind: string) => number) =>
      ['shared', 'dedicated'].map((queueKind) => ({ worker: '', queueKind, value: count(queueKind) }));
    events.emit('dispatch.windowed', {
      windows: readings(() => most),
      admitted: readings((kind) => admitted.get(kind) ?? 0),
    });
  }

  async #rescue(): Promise<undefined> {
    const { upkeep, dispatcher, events, noise, clock } = this.#options;
    const rescued = await upkeep.rescue();
    if (rescued.length > 0) {
      const now = clock.monotonicMs();
      for (const { tenantId, was } of rescued) if (was === 'running') noise.failed(tenantId, 1, now);
      const running = rescued.filter(({ was }) => was === 'running').length;
      events.emit('runs.rescued', { running, queued: rescued.length - running });
      dispatcher.takenBack(rescued);
    }
    const late = await upkeep.skipLate();
    if (late.length > 0) {
      events.emit('runs.late', { runs: late.length });
      dispatcher.takenBack(late.filter(({ queued }) => queued));
    }
    if (this.#took) await dispatcher.reconcile();
  }

  /** Places tenants elsewhere by rule. @returns the pause before the next look: twenty times what it took. */
  async #displace(): Promise<number> {
    const { displacement, clock } = this.#options;
    const started = clock.monotonicMs();
    if (this.#took) await displacement.look();
    return 20 * (clock.monotonicMs() - started);
  }

  async #watch(): Promise<undefined> {
    if (this.#took) await this.#options.watch.look();
  }

  /** Follows what operators control. @returns the pause before the next look: longer while it asks for looks at the ledger. */
  async #control(): Promise<number> {
    const { dispatcher, clock } = this.#options;
    if (!this.#took) return CONTROLS_MS;
    const started = clock.monotonicMs();
    await dispatcher.followControls();
    return Math.min(ROUND_MS, 20 * (clock.monotonicMs() - started));
  }

  #release(): number {
    const { dispatcher, clock } = this.#options;
    const { picture } = dispatcher;
    if (!picture.limits.areRated) return NO_RATES_MS;
    if (picture.releaseRated(clock.monotonicMs())) dispatcher.pump();
    return RATES_MS;
  }

  async #hold(): Promise<undefined> {
    if (this.#took) await this.#options.holds.record();
  }

  /** Folds what has arrived, and owes runs for it. @returns the pause before the next look: five times what it took. */
  async #fold(): Promise<number> {
    const { hints, wakes, leads, clock } = this.#options;
    const started = clock.monotonicMs();
    while ((await hints.fold()) && leads());
    if (this.#enrolling && leads()) {
      // After the hints of new tenants: who is missing still is of an earlier release.
      await hints.enrol();
      this.#enrolling = false;
    }
    while ((await wakes.owe()) && leads());
    return Math.min(HINTS_MOST_MS, 5 * (clock.monotonicMs() - started));
  }

  async #sweep(): Promise<undefined> {
    const { upkeep, leads, events } = this.#options;
    await upkeep.findStrays();
    for (let swept = 1; swept > 0 && leads(); ) {
      const gone = await upkeep.sweep();
      swept = gone.runs + gone.events + gone.keys;
      if (swept + gone.cycles > 0) events.emit('house.swept', { ...gone });
    }
  }
}
