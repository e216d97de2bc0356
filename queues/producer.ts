import { isNotConnectionError, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Clock, systemClock } from '../src/kernel/clock.ts';
import { EVENTS_KEPT } from './keys.ts';
import { mendQueue } from './mend.ts';
import { hashTagged, parseQueue } from './names.ts';
import type { Ticket } from './ticket.ts';
import { announceWork } from './topology.ts';

const SAID_MS = 250;

/** Puts tickets into their queues. Fails fast when Redis is away: the ledger still holds every run, nothing is lost. */
export class TicketProducer {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #queues = new Map<string, Queue>();
  /** When it was last said of a dedicated queue that it has work. */
  readonly #said = new Map<string, number>();

  constructor(redis: Redis, clock: Clock = systemClock) {
    this.#redis = redis;
    this.#clock = clock;
  }

  /**
   * Adds tickets to their queues. A ticket that is still in its queue is not added twice: its id is its signature.
   * Of dedicated queues it says, four times a second at most, that they have work: processes attach to them only then.
   * @throws where Redis is away; some of the tickets may have been added.
   */
  async add(tickets: readonly Ticket[]): Promise<void> {
    const byQueue = new Map<string, Ticket[]>();
    for (const ticket of tickets) {
      const list = byQueue.get(ticket.queue);
      if (list === undefined) byQueue.set(ticket.queue, [ticket]);
      else list.push(ticket);
    }
    await Promise.all([...byQueue].map(([name, list]) => this.#addTo(name, list)));
    const quiet = this.#quiet([...byQueue.keys()]);
    if (quiet.length > 0) await announceWork(this.#redis, quiet);
  }

  /** How many tickets wait or are worked on in a queue, and how many processes consume it. */
  async depth(
    name: string,
  ): Promise<{ readonly waiting: number; readonly active: number; readonly consumers: number }> {
    const queue = this.#queue(name);
    const [counts, workers] = await Promise.all([
      queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active'),
      queue.getWorkersCount(),
    ]);
    const { waiting = 0, prioritized = 0, delayed = 0, active = 0 } = counts;
    return { waiting: waiting + prioritized + delayed, active, consumers: workers };
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    this.#queues.clear();
  }

  async #addTo(name: string, tickets: readonly Ticket[]): Promise<void> {
    const entries = tickets.map((ticket) => ({ name: 'ticket', data: ticket, opts: { jobId: ticket.mac } }));
    try {
      await this.#queue(name).addBulk(entries);
    } catch (error) {
      // Something that was put there by hand may stand in the way.
      const isMended = error instanceof Error && isNotConnectionError(error) && (await this.#mended(name));
      if (!isMended) throw error;
      await this.#queue(name).addBulk(entries);
    }
  }

  /** The dedicated queues among `names` of which nothing was said for a while. */
  #quiet(names: readonly string[]): readonly string[] {
    const now = this.#clock.monotonicMs();
    for (const [name, at] of this.#said) {
      if (now - at < SAID_MS) break;
      this.#said.delete(name);
    }
    const quiet = names.filter((name) => parseQueue(name)?.kind === 'dedicated' && !this.#said.has(name));
    for (const name of quiet) this.#said.set(name, now);
    return quiet;
  }

  async #mended(name: string): Promise<boolean> {
    const { keys } = await mendQueue(this.#redis, name).catch(() => ({ keys: [] }));
    return keys.length > 0;
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      // Bounded: queues of tenants that went quiet must not pile up in a dispatcher that runs for months.
      if (this.#queues.size >= 1_000) {
        for (const [old, oldest] of this.#queues) {
          this.#queues.delete(old);
          void oldest.close().catch(() => undefined);
          break;
        }
      }
      queue = new Queue(hashTagged(name), {
        connection: this.#redis,
        skipVersionCheck: true,
        streams: { events: { maxLen: EVENTS_KEPT } },
        defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      });
      // Without a listener a broken connection would end the process; the connection's own watch reports it.
      queue.on('error', () => undefined);
      this.#queues.set(name, queue);
    }
    return queue;
  }
}
