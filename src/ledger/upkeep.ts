import type { Queryable } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';

const sql = loadStatements(new URL('./upkeep.sql', import.meta.url), [
  'rescue',
  'findStrays',
  'sweepRuns',
  'sweepWakes',
  'sweepKeys',
  'sweepCycles',
]);

/** A run whose lease ran out and that was taken back. */
export interface RescuedRun {
  readonly was: 'queued' | 'running';
  readonly tenantId: string;
  readonly runId: string;
  readonly worker: string;
  /** It lapsed too often and is dead now; otherwise it is owed again. */
  readonly dead: boolean;
}

const RESCUE_BATCH = 1_000;
const SWEEP_BATCH = 5_000;
const CYCLE_DAYS = 400;
/** Something that arrives all day leaves a run every second or so: nobody asks for them when the day is over. */
const WAKE_HOURS = 24;
const KEY_HOURS = 72;

/** What keeps the ledger right and small. Every statement is safe to repeat and from several schedulers at once. */
export class LedgerUpkeep {
  readonly #database: Queryable;
  readonly #maxLapses: number;

  constructor(database: Queryable, maxLapses: number) {
    this.#database = database;
    this.#maxLapses = maxLapses;
  }

  /** Takes back up to 1,000 runs whose lease ran out: owed again, or dead after too many lapses. */
  async rescue(): Promise<readonly RescuedRun[]> {
    type Rescued = { was: 'queued' | 'running'; tenant_id: string; run_id: string; worker: string; dead: boolean };
    const rows = await this.#database.rows<Rescued>(sql.rescue, [RESCUE_BATCH, this.#maxLapses]);
    return rows.map((row) => ({
      was: row.was,
      tenantId: row.tenant_id,
      runId: row.run_id,
      worker: row.worker,
      dead: row.dead,
    }));
  }

  /**
   * Finds up to 1,000 runs whose lease ran out and that stand in no flight, as somebody changed the ledger by hand; from
   * then on `rescue` sees them. @returns whether there were any.
   */
  async findStrays(): Promise<boolean> {
    return (await this.#database.rows(sql.findStrays, [RESCUE_BATCH])).length > 0;
  }

  /**
   * Removes up to 5,000 finished runs past their plan's time, as many wake runs that ended well a day ago and keys of
   * requests after 72 h, and cycles older than 400 days.
   */
  async sweep(): Promise<{ readonly runs: number; readonly keys: number; readonly cycles: number }> {
    const [runs] = await this.#database.rows<{ swept: number }>(sql.sweepRuns, [SWEEP_BATCH]);
    const [wakes] = await this.#database.rows<{ swept: number }>(sql.sweepWakes, [WAKE_HOURS, SWEEP_BATCH]);
    const [keys] = await this.#database.rows<{ swept: number }>(sql.sweepKeys, [KEY_HOURS, SWEEP_BATCH]);
    const [cycles] = await this.#database.rows<{ swept: number }>(sql.sweepCycles, [CYCLE_DAYS]);
    return {
      runs: (runs?.swept ?? 0) + (wakes?.swept ?? 0),
      keys: keys?.swept ?? 0,
      cycles: cycles?.swept ?? 0,
    };
  }
}
