import type { Queryable } from '../db/database.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import { scheduleSql } from './sql.ts';

type Open = { worker: string; slot: Date; planned_at: Date };
type Counted = { finished: boolean; done: number; skipped: number; dead: number; seconds: number };

/** Gathers the counts of cycles from their runs, so that no run ever writes to its cycle's row. */
export class CycleCounts {
  readonly #database: Queryable;
  readonly #events: Events;
  readonly #clock: Clock;

  constructor(database: Queryable, events: Events, clock: Clock) {
    this.#database = database;
    this.#events = events;
    this.#clock = clock;
  }

  /** Counts the unfinished cycles. @returns the pause before the next count, in ms: counting takes a twentieth of the time at most. */
  async gather(): Promise<number> {
    const started = this.#clock.monotonicMs();
    for (const { worker, slot } of await this.#database.rows<Open>(scheduleSql.openCycles, [0])) {
      const [counted] = await this.#database.rows<Counted>(scheduleSql.countCycle, [worker, slot]);
      if (counted?.finished !== true) continue;
      const { done, skipped, dead, seconds } = counted;
      this.#events.emit('cycle.finished', { worker, slot: slot.toISOString(), done, skipped, dead, seconds });
    }
    return 20 * (this.#clock.monotonicMs() - started);
  }
}
