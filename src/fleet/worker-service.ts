import pLimit from 'p-limit';
import { CompletionPublisher } from '../../queues/completions.ts';
import { TicketConsumer } from '../../queues/consumer.ts';
import { parseQueue } from '../../queues/names.ts';
import type { Ticket } from '../../queues/ticket.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Consumption } from '../kernel/consumption.ts';
import { type ErrorCode, messageOf, RaeError } from '../kernel/errors.ts';
import type { AdmittedRun } from '../ledger/run-ledger.ts';
import type { Events } from '../observe/events.ts';
import type { Redis, RedisRole } from '../redis/connection.ts';
import type { Catalogue } from './catalogue.ts';
import type { Executor } from './executor.ts';
import { Progress } from './progress.ts';
import { QueueFollower } from './queue-follower.ts';
import type { Departure } from './run-end.ts';
import type { TicketKeys } from './ticket-keys.ts';

/** What a worker process is made of. */
export interface WorkerServiceOptions {
  readonly catalogue: Catalogue;
  /** The workers this process performs. */
  readonly workers: ReadonlySet<string>;
  /** Which of their queues. */
  readonly consumes: Consumption;
  readonly executor: Executor;
  readonly keys: TicketKeys;
  readonly events: Events;
  readonly clock: Clock;
  readonly redis: Readonly<Record<RedisRole, Redis>>;
  /** Runs worked on at once. */
  readonly runSlots: number;
  /** Tickets of statements worked on at once. */
  readonly stepSlots: number;
  /** Most dedicated queues attached at once. */
  readonly dedicatedQueues: number;
  /** How many shared partitions to assume until the dispatcher has said. */
  readonly partitions: number;
  readonly leaseMs: number;
}

const FOLLOW_MS = 500;
const RETAKE_MS = 1_000;

/** The inside of a worker process: takes tickets of its workers' queues, follows where they are, drains when told. */
export class WorkerService {
  readonly #options: WorkerServiceOptions;
  readonly #consumer: TicketConsumer;
  readonly #completions: CompletionPublisher;
  readonly #slots: ReturnType<typeof pLimit>;
  readonly #progress: Progress;
  readonly #follower: QueueFollower;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(options: WorkerServiceOptions) {
    this.#options = options;
    this.#slots = pLimit(options.runSlots);
    this.#progress = new Progress(options.clock, 4 * options.leaseMs);
    this.#completions = new CompletionPublisher(options.redis.producer, options.keys);
    this.#consumer = new TicketConsumer({
      redis: options.redis.consumer,
      concurrency: options.runSlots,
      lockMs: options.leaseMs,
      clock: options.clock,
      keys: options.keys,
      handle: (ticket) => this.#handle(ticket),
      handBack: (ticket) => this.#expired(ticket),
      onRefused: (queue, reason) => options.events.emit('ticket.refused', { queue, reason }),
      onMended: (queue, keys) => options.events.emit('queue.mended', { queue, keys: keys.join(', ') }),
      onFailed: (queue, message) => this.#failed(`take from ${queue}`, 'RAE_INTERNAL', message, RETAKE_MS),
      onTaken: (queue) => this.#follower.taken(queue),
      onEmptied: (queue) => this.#follower.emptied(queue),
      onAttached: (queue) => options.events.emit('queue.attached', { queue }),
      onReleased: (queue) => options.events.emit('queue.released', { queue }),
    });
    this.#follower = new QueueFollower({ ...options, consumer: this.#consumer });
  }

  /** Runs being worked on now. */
  get inFlight(): number {
    return this.#slots.activeCount;
  }

  /** True once it no longer begins runs. */
  get draining(): boolean {
    return this.#draining;
  }

  /** False when runs were in work for four leases and none of them ended: the process should be replaced. */
  get live(): boolean {
    return this.#progress.live;
  }

  /** Attaches to its queues and follows the topology from then on. */
  async start(): Promise<void> {
    await this.#follower.start();
    await this.#follow();
  }

  /**
   * Takes nothing more, gives back what was taken and not begun, and resolves when what is in work has ended: finished,
   * or yielded at a step. Idempotent.
   */
  async drain(): Promise<void> {
    this.#draining = true;
    clearTimeout(this.#timer);
    await this.#follower.stop();
    await this.#consumer.drain();
    this.#completions.flush();
  }

  async #handle(ticket: Ticket, expired = false): Promise<void> {
    const worker = this.#options.catalogue.get(parseQueue(ticket.queue)?.worker ?? '');
    const runs = ticket.runs.map(({ tenant, run, attempt, epoch, payload }) => {
      return { tenantId: tenant, runId: run, attempt, epoch, payloadHash: payload };
    });
    const departed = ({ tenantId, runId, attempt }: AdmittedRun, { ms, left }: Departure) => {
      // What has not left for certain is still counted as executing: a place given away twice would break its tenant's cap.
      if (left) this.#completions.completed({ tenant: tenantId, run: runId, worker: worker.name, attempt, ms });
    };
    await this.#slots(async () => {
      this.#progress.began();
      try {
        if (this.#draining || expired) await this.#handBack(runs, expired ? 'ticket_expired' : 'yielded', departed);
        else await this.#options.executor.executeAll(worker, runs, departed);
      } finally {
        this.#progress.ended();
      }
    });
  }

  async #expired(ticket: Ticket): Promise<void> {
    const { queue, runs, exp } = ticket;
    const lateMs = this.#options.clock.now().getTime() - exp;
    this.#options.events.emit('ticket.expired', { queue, runs: runs.length, lateMs });
    await this.#handle(ticket, true);
  }

  async #handBack(
    runs: readonly AdmittedRun[],
    reason: 'yielded' | 'ticket_expired',
    departed: (run: AdmittedRun, departure: Departure) => void,
  ): Promise<void> {
    const { executor } = this.#options;
    await Promise.all(runs.map(async (run) => departed(run, await executor.handBack(run, reason))));
  }

  async #follow(): Promise<void> {
    try {
      await this.#follower.follow();
    } catch (error) {
      this.#failed('follow topology', 'RAE_REDIS_UNREACHABLE', messageOf(error), FOLLOW_MS);
    }
    const { keys } = this.#options;
    try {
      if (!keys.known) await keys.read();
    } catch (error) {
      this.#failed(
        'read the keys of tickets',
        error instanceof RaeError ? error.code : 'RAE_DATABASE_UNREACHABLE',
        messageOf(error),
        FOLLOW_MS,
      );
    }
    if (this.#draining) return;
    // Until it can verify tickets it leaves them where they are.
    if (keys.known) this.#follower.attach();
    this.#timer = setTimeout(() => void this.#follow(), FOLLOW_MS);
  }

  #failed(loop: string, code: ErrorCode, message: string, retryInMs: number): void {
    this.#options.events.emit('loop.failed', { loop, code, message, retryInMs });
  }
}
