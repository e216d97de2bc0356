import type { Queryable } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';

const sql = loadStatements(new URL('./stats.sql', import.meta.url), ['stats', 'dead', 'lag']);

type Owed = { worker: string; plan: string; dedicated: boolean; owed: number; oldest_seconds: number };

/** Counts where the ledger stands, once for every watcher: metrics read the event, nobody else counts. */
export class LedgerStats {
  readonly #database: Queryable;
  readonly #events: Events;
  readonly #clock: Clock;

  constructor(database: Queryable, events: Events, clock: Clock) {
    this.#database = database;
    this.#events = events;
    this.#clock = clock;
  }

  /** Counts and tells it as `stats.collected`. @returns the pause before the next count, in ms: a twentieth of the time at most. */
  async collect(): Promise<number> {
    const started = this.#clock.monotonicMs();
    const owed = await this.#database.rows<Owed>(sql.stats);
    const dead = await this.#database.rows<{ worker: string; dead: number }>(sql.dead);
    const lag = await this.#database.rows<{ worker: string; lag_seconds: number; stale: number }>(sql.lag);
    this.#events.emit('stats.collected', {
      at: this.#clock.now().getTime() / 1_000,
      owed: owed.map((row) => ({
        worker: row.worker,
        plan: row.plan,
        queueKind: row.dedicated ? 'dedicated' : 'shared',
        value: row.owed,
      })),
      oldestOwedSeconds: owed.map((row) => ({ worker: row.worker, plan: row.plan, value: row.oldest_seconds })),
      cycleLagSeconds: lag.map((row) => ({ worker: row.worker, value: row.lag_seconds })),
      tenantsStale: lag.map((row) => ({ worker: row.worker, value: row.stale })),
      dead: dead.map((row) => ({ worker: row.worker, value: row.dead })),
    });
    return 20 * (this.#clock.monotonicMs() - started);
  }
}
