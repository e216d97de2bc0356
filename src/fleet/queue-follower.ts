import { randomUUID } from 'node:crypto';
import type { TicketConsumer } from '../../queues/consumer.ts';
import { announceConsumer, takesQueue, withdrawConsumer } from '../../queues/consumers.ts';
import { HeldQueues } from '../../queues/held-queues.ts';
import { hearWork, queuesOf, readTopology, sharedQueues, type Topology } from '../../queues/topology.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Consumption } from '../kernel/consumption.ts';
import type { Redis } from '../redis/connection.ts';

/** What a process follows the queues with. */
export interface QueueFollowerOptions {
  readonly consumer: TicketConsumer;
  /** The workers whose tickets the process takes. */
  readonly workers: ReadonlySet<string>;
  /** Which of their queues. */
  readonly consumes: Consumption;
  readonly runSlots: number;
  readonly stepSlots: number;
  /** How many shared partitions to assume until the dispatcher has said. */
  readonly partitions: number;
  /** Most dedicated queues attached at once. */
  readonly dedicatedQueues: number;
  readonly clock: Clock;
  readonly redis: Readonly<Record<'producer' | 'subscriber', Redis>>;
}

/** A process that is silent for so long is not counted on. */
const ANNOUNCED_MS = 3_000;
/** A queue counts as having work for so long after that was said: then the topology says it too, or it has none. */
const HEARD_MS = 3_000;
/** A dedicated queue is kept so long after its last work: attaching costs a connection. */
const IDLE_MS = 30_000;
/** A queue that was found empty is looked at again so much later: what says that it has work may be as old. */
const REST_MS = 1_000;
/** When more have work than may be attached, each is so long at least. */
const TURN_MS = 5_000;

/**
 * Keeps a process attached to the queues of its workers: to all that are shared and it takes, and to dedicated ones, and to
 * partitions of an earlier number, when they have work. Tells dispatchers what it is attached to.
 */
export class QueueFollower {
  readonly #options: QueueFollowerOptions;
  readonly #id = randomUUID();
  readonly #held: HeldQueues;
  readonly #heard = new Map<string, number>();
  #topology: Topology;
  #stopHearing: (() => Promise<void>) | undefined;
  /** Until it is told to attach for the first time it must not: it cannot verify tickets yet. */
  #attaching = false;
  #stopped = false;

  constructor(options: QueueFollowerOptions) {
    this.#options = options;
    this.#topology = { partitions: options.partitions, extra: [] };
    this.#held = new HeldQueues({
      limit: options.dedicatedQueues,
      idleMs: IDLE_MS,
      turnMs: TURN_MS,
      restMs: REST_MS,
      process: this.#id,
    });
  }

  /** Hears from then on which queues get work. */
  async start(): Promise<void> {
    this.#stopHearing = await hearWork(this.#options.redis.subscriber, (queues) => {
      const mine = this.#mine(queues);
      for (const queue of mine) {
        this.#heard.set(queue, this.#options.clock.monotonicMs());
        this.#held.filled(queue);
      }
      if (mine.length > 0 && this.#attaching) this.attach();
    });
  }

  /** Announces the process and reads the topology. @throws where Redis is away; the queues known last then stay. */
  async follow(): Promise<void> {
    const { redis, workers, consumes, runSlots: slots, stepSlots: steps, consumer } = this.#options;
    const own = { id: this.#id, workers: [...workers], consumes: consumes.text };
    const announcement = { ...own, slots, steps, queues: consumer.queues };
    await announceConsumer(redis.producer, announcement, ANNOUNCED_MS);
    // An announcement that lapsed leaves the topology known last.
    this.#topology = (await readTopology(redis.producer)) ?? this.#topology;
  }

  /** Attaches to the queues it should be attached to, and releases the others. */
  attach(): void {
    if (this.#stopped) return;
    this.#attaching = true;
    const { consumer, workers, clock } = this.#options;
    consumer.releaseStanding();
    const now = clock.monotonicMs();
    for (const [queue, at] of this.#heard) if (now - at > HEARD_MS) this.#heard.delete(queue);
    const shared = new Set(this.#mine([...sharedQueues(this.#topology, workers)]));
    const busy = [...this.#mine(this.#topology.extra), ...this.#heard.keys()];
    const others = new Set(busy.filter((queue) => !shared.has(queue)));
    const wanted = new Set([...shared, ...this.#held.decide(others, now, consumer.releasing)]);
    for (const queue of consumer.queues) if (!wanted.has(queue)) this.#release(queue);
    for (const queue of wanted) consumer.attach(queue);
  }

  /** Nothing waits in a queue any more: another that waits for its place may have it. */
  emptied(queue: string): void {
    if (!this.#stopped && this.#held.emptied(queue, this.#options.clock.monotonicMs())) this.#release(queue);
  }

  /** A ticket of a queue was taken: it has work. */
  taken(queue: string): void {
    this.#held.filled(queue);
  }

  /** Attaches to nothing more, and takes the announcement back. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopHearing?.();
    // With Redis away the announcement lapses by itself.
    await withdrawConsumer(this.#options.redis.producer, this.#id).catch(() => undefined);
  }

  /** Of some queues those that the process takes. */
  #mine(queues: readonly string[]): readonly string[] {
    const { workers, consumes } = this.#options;
    const own = queuesOf(workers, queues);
    return consumes.isEverything ? own : own.filter((queue) => takesQueue(consumes, queue));
  }

  #release(queue: string): void {
    // Its place is free when its last ticket has ended, and somebody may wait for it.
    void this.#options.consumer.release(queue).then(() => {
      if (this.#held.waiting > 0) this.attach();
    });
  }
}
