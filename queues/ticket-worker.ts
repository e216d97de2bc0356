import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode, isNotConnectionError, type Job, type JobJson, Worker, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { messageOf } from '../src/kernel/errors.ts';
import { type Mended, mendQueue } from './mend.ts';
import { hashTagged } from './names.ts';

/** What a ticket worker is made of. */
export interface TicketWorkerOptions extends Pick<WorkerOptions, 'concurrency'> {
  readonly redis: Redis;
  readonly lockMs: number;
  /** Works on what stood in an entry, JSON or not. Never rejects. */
  readonly process: (text: string) => Promise<void>;
  readonly onMended: (mended: Mended) => void;
  /** Told of what BullMQ's scripts answered when it was not the connection that failed; not more than once a second. */
  readonly onFailed: (message: string) => void;
}

const PAUSE_MS = 1_000;
/** Fields with which BullMQ would touch other keys than the entry's own; no producer of the fleet sets them. */
const FOREIGN_FIELDS = ['parentKey', 'parent', 'rjk', 'deid'];
type Completed = Parameters<Worker<string, void>['handleCompleted']>;
/** What BullMQ gives where there is nothing to take, which its types do not say. */
const NOTHING = undefined as unknown as Job<string, void>;

const isUnlisted = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === ErrorCode.JobNotInState;

/**
 * BullMQ's worker, on a queue that anybody with access to Redis can write to. BullMQ trusts what stands in an entry:
 * it parses data and options, schedules repetitions, wakes parents, and where that throws it takes the entry again at
 * every lock time for ever, or asks Redis again without a pause. This one takes the text of an entry and nothing else,
 * and puts aside what cannot even be taken.
 */
export class TicketWorker extends Worker<string, void> {
  readonly #queue: string;
  readonly #options: TicketWorkerOptions;
  readonly #foreign = new WeakSet<object>();
  readonly #begun = new WeakMap<object, Promise<void>>();
  #isQuiet = false;
  #asks = 0;
  #inWork = 0;

  constructor(queue: string, options: TicketWorkerOptions) {
    super(hashTagged(queue), (job) => this.#begin(job), {
      connection: options.redis,
      autorun: false,
      concurrency: options.concurrency ?? 1,
      lockDuration: options.lockMs,
      stalledInterval: Math.max(1_000, Math.floor(options.lockMs / 2)),
      maxStalledCount: 1,
      // One that was limited by hand is not left alone for longer than it takes to notice and undo that.
      maximumRateLimitDelay: 1_000,
      // The library's own 15 s would leave a queue unserved that long after a Redis that answered with an error.
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      skipVersionCheck: true,
    });
    this.#queue = queue;
    this.#options = options;
    // BullMQ begins with an entry only when it has asked for all others that it may take, one round trip each.
    this.on('active', (job) => void this.#begin(job));
    // Without a listener a broken connection would end the process; the connection's own watch reports it. What fails
    // beside taking (the search for stalled entries, the wait for new ones) is heard of here alone.
    this.on('error', (error) => void this.#mend(error, ''));
  }

  /** How often it has asked Redis for a ticket: this grows every few seconds, unless all its places are taken. */
  get asks(): number {
    return this.#asks;
  }

  /** It works on as many tickets as it may. */
  get isFull(): boolean {
    return this.#inWork >= (this.#options.concurrency ?? 1);
  }

  async #begin(job: Job<string, void>): Promise<void> {
    let begun = this.#begun.get(job);
    if (begun === undefined) {
      this.#inWork += 1;
      begun = this.#options.process(job.data).finally(() => {
        this.#inWork -= 1;
      });
      this.#begun.set(job, begun);
    }
    await begun;
  }

  protected override createJob(json: JobJson, id: string): Job<string, void> {
    // Its options would repeat, delay or keep it; the id in it may be another than the one it was taken by.
    const { timestamp, progress, attemptsMade, attemptsStarted, stalledCounter, failedReason, returnvalue } = json;
    const rest = { timestamp, progress, attemptsMade, attemptsStarted, stalledCounter, failedReason, returnvalue };
    const job = super.createJob({ ...rest, id, name: 'ticket', data: '{}', opts: {} }, id);
    job.data = json.data;
    const foreign = [json.parent, json.parentKey, json.repeatJobKey, json.deduplicationId];
    if (foreign.some((field) => field !== undefined)) this.#foreign.add(job);
    return job;
  }

  protected override async callProcessJob(job: Job<string, void>, token: string, signal?: AbortSignal): Promise<void> {
    if (this.#foreign.has(job)) await this.#options.redis.hdel(this.toKey(job.id ?? ''), ...FOREIGN_FIELDS);
    await super.callProcessJob(job, token, signal);
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job<string, void>> {
    this.#asks += 1;
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      // What nothing was found to mend of fails again: not without a pause.
      if (!(await this.#mend(error, token)) && !this.closing) await pause(PAUSE_MS);
      return NOTHING;
    }
  }

  protected override async handleCompleted(...args: Completed): Promise<Job<string, void>> {
    try {
      return await super.handleCompleted(...args);
    } catch (error) {
      // Somebody deleted the list of those that are worked on: nothing will ever take what is left of it.
      if (isUnlisted(error)) await this.#options.redis.unlink(this.toKey(args[1].id ?? ''));
      await this.#mend(error, args[2]);
      return NOTHING;
    }
  }

  /** @returns whether something was mended; else `onFailed` is told. @throws what the connection failed with. */
  async #mend(error: unknown, token: string): Promise<boolean> {
    if (error instanceof Error && !isNotConnectionError(error)) {
      // BullMQ tries again by itself; its own event has said so already.
      if (token === '') return false;
      throw error;
    }
    if (token === '' && this.#isQuiet) return false;
    const mended = await mendQueue(this.#options.redis, this.#queue, token).catch(() => ({ keys: [], entries: [] }));
    if (mended.keys.length + mended.entries.length > 0) {
      this.#options.onMended(mended);
      return true;
    }
    if (!this.#isQuiet) this.#options.onFailed(messageOf(error));
    this.#isQuiet = true;
    void pause(PAUSE_MS, undefined, { ref: false }).then(() => {
      this.#isQuiet = false;
    });
    return false;
  }
}
