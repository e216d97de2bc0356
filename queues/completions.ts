import type { Redis } from 'ioredis';
import { hearChannel } from './channel.ts';
import {
  type Completion,
  type CompletionRefusal,
  MOST_COMPLETIONS,
  openCompletions,
  sealCompletions,
} from './completion-message.ts';
import type { TicketKeySource } from './consumer.ts';

const CHANNEL = 'rae:completions';
const REST_MS = 2;

/**
 * Tells dispatchers which runs have left, many in one message, under the signature of tickets. Only a hint that makes
 * dispatch quick: what is lost with Redis is found by the dispatcher's look at the ledger.
 */
export class CompletionPublisher {
  readonly #redis: Redis;
  readonly #keys: Pick<TicketKeySource, 'ring'>;
  #waiting: Completion[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis, keys: Pick<TicketKeySource, 'ring'>) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Publishes at once, or within 2 ms of what was published last, together with whatever else completes until then. */
  completed(completion: Completion): void {
    this.#waiting.push(completion);
    if (this.#waiting.length >= MOST_COMPLETIONS) this.flush();
    if (this.#timer !== undefined) return;
    this.#rest();
    // Not before the other runs of the same ticket, which complete in the same breath.
    setImmediate(() => this.flush());
  }

  /** Publishes what waits now. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const message = sealCompletions(this.#waiting, this.#keys.ring);
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

/**
 * Hears completions on a subscriber connection until the returned function is called.
 * @param refused told of each message that is not believed; such a message does nothing.
 */
export async function hearCompletions(
  redis: Redis,
  keys: TicketKeySource,
  heard: (completions: readonly Completion[]) => void,
  refused?: (reason: CompletionRefusal) => void,
): Promise<() => Promise<void>> {
  const take = async (message: string): Promise<void> => {
    let opened = openCompletions(message, keys.ring);
    if ('refused' in opened && opened.refused === 'unknown_key') {
      await keys.renew();
      opened = openCompletions(message, keys.ring);
    }
    if ('refused' in opened) refused?.(opened.refused);
    else heard(opened.completions);
  };
  return await hearChannel(redis, CHANNEL, (message) => void take(message));
}
