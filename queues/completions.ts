import type { Redis } from 'ioredis';
import { z } from 'zod';
import { hearChannel } from './channel.ts';

const CHANNEL = 'rae:completions';
const REST_MS = 2;
const MOST_PER_MESSAGE = 500;

/** A run that left its worker: the dispatcher may use its place. */
export interface Completion {
  readonly tenant: string;
  readonly run: string;
  readonly worker: string;
  /** Worker time that it took; what its tenant is charged with. Null = it was not begun. */
  readonly ms: number | null;
}

const messageSchema = z.array(z.tuple([z.string(), z.string(), z.string(), z.number().nullable()]));

/**
 * Tells dispatchers which runs have left, many in one message. Only a hint that makes dispatch quick: what is lost with
 * Redis is found by the dispatcher's look at the ledger.
 */
export class CompletionPublisher {
  readonly #redis: Redis;
  #waiting: [string, string, string, number | null][] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Publishes at once, or within 2 ms of what was published last, together with whatever else completes until then. */
  completed({ tenant, run, worker, ms }: Completion): void {
    this.#waiting.push([tenant, run, worker, ms]);
    if (this.#waiting.length >= MOST_PER_MESSAGE) this.flush();
    if (this.#timer !== undefined) return;
    this.#rest();
    // Not before the other runs of the same ticket, which complete in the same breath.
    queueMicrotask(() => this.flush());
  }

  /** Publishes what waits now. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const message = JSON.stringify(this.#waiting);
    this.#waiting = [];
    this.#redis.publish(CHANNEL, message).catch(() => undefined);
  }

  #rest(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting.length === 0) return;
      this.#rest();
      this.flush();
    }, REST_MS);
  }
}

/** Hears completions on a subscriber connection until the returned function is called. Ignores what it cannot read. */
export async function hearCompletions(
  redis: Redis,
  heard: (completions: readonly Completion[]) => void,
): Promise<() => Promise<void>> {
  return await hearChannel(redis, CHANNEL, (message) => {
    heard(messageSchema.parse(message).map(([tenant, run, worker, ms]) => ({ tenant, run, worker, ms })));
  });
}
