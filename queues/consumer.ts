import type { Redis } from 'ioredis';
import type { Clock } from '../src/kernel/clock.ts';
import type { Keyring } from '../src/kernel/keyring.ts';
import type { Mended } from './mend.ts';
import { openTicket, type TicketRefusal } from './open-ticket.ts';
import { putAside } from './quarantine.ts';
import type { Ticket } from './ticket.ts';
import { TicketWorker } from './ticket-worker.ts';

/** Where the keys come from that tickets are verified with. */
export interface TicketKeySource {
  /** The keys known now. */
  readonly ring: Keyring;
  /** Looks for newer keys: a ticket names one that is not known. Asked for every such ticket, so it must bound itself. */
  renew(): Promise<void>;
}

/** What a process does with the tickets it takes. */
export interface ConsumerOptions {
  readonly redis: Redis;
  /** Tickets of one queue worked on at once in this process. */
  readonly concurrency: number;
  /** A ticket whose process is silent for this long is given to another process; the fence makes that harmless. */
  readonly lockMs: number;
  readonly clock: Clock;
  readonly keys: TicketKeySource;
  /** Does the ticket's runs. Never rejects: how a run ends is the ledger's matter, so that the ticket is always acknowledged. */
  readonly handle: (ticket: Ticket) => Promise<void>;
  /** Makes the runs of an expired ticket owed again. Never rejects. */
  readonly handBack: (ticket: Ticket) => Promise<void>;
  /** Told of each entry that was put aside instead of worked on. */
  readonly onRefused: (queue: string, reason: TicketRefusal) => void;
  /** Told of keys of a queue that stood in its way and are as they should be again. */
  readonly onMended: (queue: string, keys: readonly string[]) => void;
  /** Told when taking from a queue fails though Redis is there; it is tried again. */
  readonly onFailed: (queue: string, message: string) => void;
  /** Told of each ticket that is taken. */
  readonly onTaken?: (queue: string) => void;
  /** Told when nothing waits in a queue any more; tickets of it may still be in work. */
  readonly onEmptied?: (queue: string) => void;
  readonly onAttached?: (queue: string) => void;
  readonly onReleased?: (queue: string) => void;
}

/** A taker that has asked for nothing for so long has come to a standstill: asking takes five seconds at most. In ms. */
const STANDSTILL_MS = 15_000;
/** The same since Redis came back: a taker that lost its connection at a bad moment waits for an answer for ever. */
const RECOVERY_MS = 2_000;

interface Taker {
  readonly worker: TicketWorker;
  asks: number;
  /** When it was seen to ask last. */
  atMs: number;
}

/** Takes tickets from the queues it is attached to. Queues come and go while it runs. */
export class TicketConsumer {
  readonly #options: ConsumerOptions;
  readonly #workers = new Map<string, Taker>();
  readonly #releasing = new Set<Promise<void>>();
  #lastTaken = 0;

  #readyMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    options.redis.on('ready', () => {
      this.#readyMs = options.clock.monotonicMs();
    });
  }

  /** The queues it takes from now. */
  get queues(): readonly string[] {
    return [...this.#workers.keys()];
  }

  /** How many queues it has let go whose tickets in work have not ended yet: each still has its connection. */
  get releasing(): number {
    return this.#releasing.size;
  }

  /** How many tickets were taken so far: liveness is judged by this growing while work waits. */
  get taken(): number {
    return this.#lastTaken;
  }

  /** Begins to take from `queue`; nothing when it already does. */
  attach(queue: string): void {
    if (this.#workers.has(queue)) return;
    const { redis, concurrency, lockMs, onFailed, clock } = this.#options;
    const worker = new TicketWorker(queue, {
      redis,
      concurrency,
      lockMs,
      process: (text) => this.#take(queue, text),
      onMended: (mended) => void this.#mended(queue, mended),
      onFailed: (message) => onFailed(queue, message),
    });
    worker.on('active', () => this.#options.onTaken?.(queue));
    worker.on('drained', () => this.#options.onEmptied?.(queue));
    this.#workers.set(queue, { worker, asks: 0, atMs: clock.monotonicMs() });
    // It ends when it is closed; what goes wrong meanwhile it tells by itself.
    void worker
      .run()
      .catch(() => undefined)
      .then(() => this.#abandon(queue, worker));
    this.#options.onAttached?.(queue);
  }

  /** Stops taking from `queue`; tickets in work are finished in the background. Resolves when they are. */
  async release(queue: string): Promise<void> {
    const taker = this.#workers.get(queue);
    if (taker === undefined) return;
    this.#workers.delete(queue);
    const closing: Promise<void> = taker.worker
      .close()
      .catch(() => undefined)
      .finally(() => this.#releasing.delete(closing));
    this.#releasing.add(closing);
    this.#options.onReleased?.(queue);
    await closing;
  }

  /** Stops taking anything at once; resolves when the tickets in work are done. Idempotent. */
  async drain(): Promise<void> {
    for (const queue of this.queues) void this.release(queue);
    await Promise.all(this.#releasing);
  }

  /** Lets go of queues whose taker has come to a standstill, so that whoever wants them attaches anew. Their tickets come again. */
  releaseStanding(): void {
    const now = this.#options.clock.monotonicMs();
    for (const [queue, taker] of this.#workers) {
      const { worker } = taker;
      if (worker.asks !== taker.asks || worker.isFull) {
        taker.asks = worker.asks;
        taker.atMs = now;
      }
      const isLost = taker.atMs < this.#readyMs && now - this.#readyMs > RECOVERY_MS;
      if (isLost || now - taker.atMs > STANDSTILL_MS) this.#abandon(queue, worker);
    }
  }

  /** A taker whose connection broke just as it began, or whatever else ended it, is of no use any more. */
  #abandon(queue: string, worker: TicketWorker): void {
    if (this.#workers.get(queue)?.worker !== worker) return;
    this.#workers.delete(queue);
    void worker.close(true).catch(() => undefined);
    this.#options.onReleased?.(queue);
  }

  async #take(queue: string, text: string): Promise<void> {
    const { clock, keys, handle, handBack } = this.#options;
    this.#lastTaken += 1;
    const open = () => openTicket(queue, text, keys.ring, clock.now().getTime());
    let opened = open();
    if ('refused' in opened && opened.refused === 'unknown_key') {
      await keys.renew();
      opened = open();
    }
    if ('refused' in opened) await this.#refuse(queue, opened.refused, text);
    else if (opened.expired) await handBack(opened.ticket);
    else await handle(opened.ticket);
  }

  async #mended(queue: string, { keys, entries }: Mended): Promise<void> {
    if (keys.length > 0) this.#options.onMended(queue, keys);
    for (const entry of entries) await this.#refuse(queue, 'malformed', entry);
  }

  async #refuse(queue: string, reason: TicketRefusal, data: string): Promise<void> {
    const { onRefused, redis, clock } = this.#options;
    onRefused(queue, reason);
    // Kept for people to look at; what cannot be kept is refused all the same.
    await putAside(redis, { at: clock.now().getTime(), queue, reason, data }).catch(() => undefined);
  }
}
