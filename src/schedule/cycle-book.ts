import type { Queryable } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Counts } from '../kernel/outcome.ts';

const sql = loadStatements(new URL('./cycle-book.sql', import.meta.url), ['list', 'show']);

/** A cycle with its counts as they were gathered last. total = owed + skipped; owed = open + done + dead. */
export interface CycleRecord extends Record<string, unknown> {
  readonly worker: string;
  readonly slot: Date;
  readonly origin: 'cadence' | 'command' | 'backfill';
  readonly planned_at: Date;
  readonly total: number;
  readonly owed: number;
  readonly open: number;
  readonly done: number;
  /** Reason to number. */
  readonly skipped: Counts;
  readonly dead: number;
  readonly late: number;
  readonly changed: Counts;
  readonly counted_at: Date | null;
  readonly finished_at: Date | null;
}

/** Cycles as operators read them. */
export class CycleBook {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** The cycles with the newest slots first. @param after slot and worker of the last one of the page before */
  async list(
    worker: string | undefined,
    limit: number,
    after: readonly [slot: string, worker: string] | undefined = undefined,
  ): Promise<readonly CycleRecord[]> {
    return this.#database.rows<CycleRecord>(sql.list, [worker ?? null, limit, ...(after ?? [null, null])]);
  }

  /** @throws RaeError `RAE_NOT_FOUND` */
  async show(worker: string, slot: Date): Promise<CycleRecord> {
    const [cycle] = await this.#database.rows<CycleRecord>(sql.show, [worker, slot]);
    if (cycle !== undefined) return cycle;
    throw new RaeError('RAE_NOT_FOUND', `there is no cycle of ${worker} at ${slot.toISOString()}`, {
      hint: 'see the cycles with: rae cycle list',
    });
  }
}
