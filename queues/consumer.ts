import { type Job, type JobJson, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { hashTagged } from './names.ts';
import { openTicket, type Ticket, type TicketRefusal } from './ticket.ts';

/** What a process does with the tickets it takes. */
export interface ConsumerOptions {
  readonly redis: Redis;
  /** Tickets of one queue worked on at once in this process. */
  readonly concurrency: number;
  /** A ticket whose process is silent for this long is given to another process; the fence makes that harmless. */
  readonly lockMs: number;
  /** Does the ticket's runs. Never rejects: how a run ends is the ledger's matter, so that the ticket is always acknowledged. */
  readonly handle: (ticket: Ticket) => Promise<void>;
  readonly onRefused: (queue: string, reason: TicketRefusal) => void;
  readonly onAttached?: (queue: string) => void;
  readonly onReleased?: (queue: string) => void;
}

/**
 * BullMQ reads a ticket's data before it hands it over. Data that is no JSON would make it give up the whole queue for
 * a while, twice for each such ticket; read as null, it is refused like every other malformed one.
 */
class TicketWorker extends Worker {
  protected override createJob(raw: JobJson, id: string): Job {
    try {
      return super.createJob(raw, id);
    } catch {
      return super.createJob({ ...raw, data: 'null' }, id);
    }
  }
}

/** Takes tickets from the queues it is attached to. Queues come and go while it runs. */
export class TicketConsumer {
  readonly #options: ConsumerOptions;
  readonly #workers = new Map<string, Worker>();
  readonly #releasing = new Set<Promise<void>>();
  #lastTaken = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** The queues it takes from now. */
  get queues(): readonly string[] {
    return [...this.#workers.keys()];
  }

  /** How many tickets were taken so far: liveness is judged by this growing while work waits. */
  get taken(): number {
    return this.#lastTaken;
  }

  /** Begins to take from `queue`; nothing when it already does. */
  attach(queue: string): void {
    if (this.#workers.has(queue)) return;
    const worker = new TicketWorker(
      hashTagged(queue),
      async (job) => {
        this.#lastTaken += 1;
        const ticket = openTicket(queue, job.data);
        if ('refused' in ticket) this.#options.onRefused(queue, ticket.refused);
        else await this.#options.handle(ticket);
      },
      {
        connection: this.#options.redis,
        concurrency: this.#options.concurrency,
        lockDuration: this.#options.lockMs,
        stalledInterval: Math.max(1_000, Math.floor(this.#options.lockMs / 2)),
        maxStalledCount: 1,
        // The library's own 15 s would leave a queue unserved that long after a Redis that answered with an error.
        runRetryDelay: 1_000,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
        skipVersionCheck: true,
      },
    );
    // Without a listener a broken connection would end the process; the connection's own watch reports it.
    worker.on('error', () => undefined);
    this.#workers.set(queue, worker);
    this.#options.onAttached?.(queue);
  }

  /** Stops taking from `queue`; tickets in work are finished in the background. */
  release(queue: string): void {
    const worker = this.#workers.get(queue);
    if (worker === undefined) return;
    this.#workers.delete(queue);
    const closing: Promise<void> = worker
      .close()
      .catch(() => undefined)
      .finally(() => this.#releasing.delete(closing));
    this.#releasing.add(closing);
    this.#options.onReleased?.(queue);
  }

  /** Stops taking anything at once; resolves when the tickets in work are done. Idempotent. */
  async drain(): Promise<void> {
    for (const queue of this.queues) this.release(queue);
    await Promise.all(this.#releasing);
  }
}
