import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Events } from '../observe/events.ts';

/** What is done again and again. */
export interface LoopOptions {
  readonly name: string;
  /** Pause between the end of one round and the begin of the next. */
  readonly everyMs: number;
  /** One round. May give a longer pause before the next, in ms. A throw is told as `loop.failed`; the loop goes on. */
  readonly round: () => Promise<number | undefined>;
  readonly events: Events;
}

/** Repeats one thing with a pause between, never overlapping itself. */
export class Loop {
  readonly #options: LoopOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #soon = false;
  #stopped = true;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Begins with a round at once. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#begin();
  }

  /** Has a round begin at once, or right after the one under way. */
  soon(): void {
    if (this.#stopped) return;
    if (this.#running !== undefined) this.#soon = true;
    else this.#begin();
  }

  /** Begins no further round; resolves when the one under way has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#running = this.#round().then((pauseMs) => {
      this.#running = undefined;
      if (this.#stopped) return;
      const soon = this.#soon;
      this.#soon = false;
      if (soon) this.#begin();
      else this.#timer = setTimeout(() => this.#begin(), pauseMs);
    });
  }

  async #round(): Promise<number> {
    const { name, everyMs, events, round } = this.#options;
    try {
      return Math.max(everyMs, (await round()) ?? 0);
    } catch (error) {
      const code = error instanceof RaeError ? error.code : 'RAE_INTERNAL';
      events.emit('loop.failed', { loop: name, code, message: messageOf(error), retryInMs: everyMs });
      return everyMs;
    }
  }
}
