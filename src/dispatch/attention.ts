import type { Clock } from '../kernel/clock.ts';
import type { DispatchLease } from './lease.ts';

/** Busy without a break for so long, and arrivals leave notes instead of notifying. */
const BUSY_MS = 150;
/** Without anything to do for so long, and they notify again. */
const REST_MS = 400;
/** So soon after the last, an activity goes on from it. */
const BREAK_MS = 100;

/**
 * How a dispatcher hears of arrivals. At rest it is asleep: the commit that makes a run owed notifies it. Busy it is
 * awake and looks for notes every few milliseconds: a NOTIFY in every commit would make commits wait for each other.
 */
export class Attention {
  readonly #lease: DispatchLease;
  readonly #clock: Clock;
  #asleep = false;
  #busySince = Number.NEGATIVE_INFINITY;
  #lastActive = Number.NEGATIVE_INFINITY;

  constructor(lease: DispatchLease, clock: Clock) {
    this.#lease = lease;
    this.#clock = clock;
  }

  /** Arrivals notify; else they leave notes. */
  get asleep(): boolean {
    return this.#asleep;
  }

  /** A dispatcher that begins is awake. */
  begin(): void {
    this.#asleep = false;
    this.active();
  }

  /** Something arrived or was admitted. */
  active(): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#lastActive > BREAK_MS) this.#busySince = now;
    this.#lastActive = now;
  }

  /** Falls asleep or wakes up where it is time. @returns whether it has just fallen asleep: notes from before must be looked for. */
  async turn(): Promise<boolean> {
    const now = this.#clock.monotonicMs();
    const wanted = this.#asleep
      ? !(now - this.#lastActive <= BREAK_MS && this.#lastActive - this.#busySince >= BUSY_MS)
      : now - this.#lastActive >= REST_MS;
    if (wanted === this.#asleep) return false;
    await this.#lease.sleep(wanted);
    this.#asleep = wanted;
    return wanted;
  }
}
