import { watchQueue } from '../../queues/watch.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Redis } from '../redis/connection.ts';
import type { Dispatcher } from './dispatcher.ts';

/** What the queues are watched with. */
export interface QueueWatchOptions {
  readonly redis: Redis;
  readonly dispatcher: Dispatcher;
  readonly events: Events;
  readonly clock: Clock;
  /** Tells this dispatcher's beats from those of any other. */
  readonly holder: string;
}

/** A ticket added so lately may still be on its way into the queue. */
const ADDING_MS = 500;

/**
 * Looks whether Redis still has what was put into it, queue by queue, and puts there again what it has lost: flushed,
 * restarted empty, failed over to an older state, evicted, deleted or paused by hand. A ticket too many dies at the fence.
 */
export class QueueWatch {
  readonly #options: QueueWatchOptions;
  readonly #beats = new Map<string, string>();
  #beat = 0;

  constructor(options: QueueWatchOptions) {
    this.#options = options;
  }

  /** Looks at every queue with admitted work. @throws where Redis is away. */
  async look(): Promise<void> {
    const { redis, dispatcher, events, clock, holder } = this.#options;
    const { flight } = dispatcher.picture;
    const queues = flight.queues;
    for (const queue of this.#beats.keys()) if (!queues.includes(queue)) this.#beats.delete(queue);
    this.#beat += 1;
    const beat = `${holder} ${this.#beat}`;
    const before = clock.monotonicMs() - ADDING_MS;
    const lost: string[] = [];
    for (const queue of queues) {
      const tickets = flight.ticketsIn(queue, before);
      const lastBeat = this.#beats.get(queue);
      const seen = await watchQueue(redis, { queue, lastBeat, beat, tickets });
      this.#beats.set(queue, beat);
      if (seen.mended.length > 0) events.emit('queue.mended', { queue, keys: seen.mended.join(', ') });
      // One that has ended meanwhile was not lost.
      const gone = seen.lost.filter((ticket) => flight.runsIn(ticket).length > 0);
      if (gone.length === 0 && seen.state === 'kept') continue;
      const cause = seen.state === 'kept' ? 'lost' : seen.state;
      events.emit('queue.rebuilt', { queue, cause, tickets: gone.length });
      lost.push(...gone);
    }
    await dispatcher.resend(lost);
  }

  /** Knows nothing of any queue: another dispatched meanwhile. */
  forget(): void {
    this.#beats.clear();
  }
}
