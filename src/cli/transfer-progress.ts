import type { Clock } from '../kernel/clock.ts';
import { describeDuration, SECOND } from '../kernel/duration.ts';
import type { Output } from './output.ts';

/** How long after one line about progress the next may come: often where it takes the place of the last, else seldom. */
const PAUSE_MS = { terminal: SECOND / 5, other: 5 * SECOND };

/** Says how far a transfer is, not more often than somebody reads. */
export class TransferProgress {
  readonly #out: Output;
  readonly #clock: Clock;
  readonly #pause: number;
  #saidAt: number;

  constructor(out: Output, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    this.#pause = out.isQuiet ? PAUSE_MS.other : PAUSE_MS.terminal;
    this.#saidAt = clock.monotonicMs() - (out.isQuiet ? 0 : this.#pause);
  }

  /** @param line made only when it is said */
  say(line: () => string): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#saidAt < this.#pause) return;
    this.#saidAt = now;
    this.#out.sayPassing(line());
  }
}

/** How long the rest takes at the rate so far: `, 12.4 s left`. Empty where that cannot be told. */
export function timeLeft(done: number, all: number | undefined, seconds: number): string {
  if (all === undefined || done <= 0 || seconds <= 0) return '';
  return `, ${describeDuration(((all - done) / done) * seconds * SECOND)} left`;
}

/** A number with its thousands apart. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
