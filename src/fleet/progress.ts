import type { Clock } from '../kernel/clock.ts';

/** Tells a process that works from one that only seems to: runs are in work, and for too long none of them has ended. */
export class Progress {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #inWork = 0;
  #last: number;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#last = clock.monotonicMs();
  }

  began(): void {
    if (this.#inWork === 0) this.#last = this.#clock.monotonicMs();
    this.#inWork += 1;
  }

  ended(): void {
    this.#inWork -= 1;
    this.#last = this.#clock.monotonicMs();
  }

  get live(): boolean {
    return this.#inWork === 0 || this.#clock.monotonicMs() - this.#last < this.#patienceMs;
  }
}
