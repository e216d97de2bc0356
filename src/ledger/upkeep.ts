import type { Queryable } from '../db/database.ts';
import { loadStatements, type Statement } from '../db/statement.ts';

const sql = loadStatements(new URL('./upkeep.sql', import.meta.url), [
  'rescue',
  'skipLate',
  'findStrays',
  'sweepRuns',
  'sweepWakes',
  'sweepEvents',
  'sweepKeys',
  'sweepRequests',
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

/** A run that could not begin by its deadline. */
export interface LateRun {
  readonly tenantId: string;
  readonly runId: string;
  readonly worker: string;
  /** It was admitted already. */
  readonly queued: boolean;
}

/** How much was removed. */
export interface Swept {
  readonly runs: number;
  readonly events: number;
  readonly keys: number;
  readonly cycles: number;
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
  readonly #youngestMs: number;

  /**
   * @param youngestMs no lease runs out so soon after its run was admitted: what is younger is not looked at, so that
   *   the cost of `rescue` does not follow the rate of runs.
   */
  constructor(database: Queryable, maxLapses: number, youngestMs = 0) {
    this.#database = database;
    this.#maxLapses = maxLapses;
    this.#youngestMs = youngestMs;
  }

  /** Takes back up to 1,000 runs whose lease ran out: owed again, or dead after too many lapses. */
  async rescue(): Promise<readonly RescuedRun[]> {
    type Rescued = { was: 'queued' | 'running'; tenant_id: string; run_id: string; worker: string; dead: boolean };
    const rows = await this.#database.rows<Rescued>(sql.rescue, [RESCUE_BATCH, this.#maxLapses, this.#youngestMs]);
    return rows.map((row) => ({
      was: row.was,
      tenantId: row.tenant_id,
      runId: row.run_id,
      worker: row.worker,
      dead: row.dead,
    }));
  }

  /** Skips up to 1,000 runs that have not begun by their deadline. */
  async skipLate(): Promise<readonly LateRun[]> {
    type Late = { tenant_id: string; run_id: string; worker: string; was: string };
    const rows = await this.#database.rows<Late>(sql.skipLate, [RESCUE_BATCH]);
    return rows.map(({ tenant_id: tenantId, run_id: runId, worker, was }) => {
      return { tenantId, runId, worker, queued: was === 'queued' };
    });
  }

  /**
   * Finds up to 1,000 runs whose lease ran out and that stand in no flight, as somebody changed the ledger by hand; from
   * then on `rescue` sees them. @returns whether there were any.
   */
  async findStrays(): Promise<boolean> {
    return (await this.#database.rows(sql.findStrays, [RESCUE_BATCH])).length > 0;
  }

  /**
   * Removes what is past its time: finished runs and events after as many days as their plan says, wake runs that ended
   * well after one, keys of requests after 72 h, cycles after 400 days; up to 5,000 of each but the last.
   */
  async sweep(): Promise<Swept> {
    const runs = await this.#swept(sql.sweepRuns, SWEEP_BATCH);
    const wakes = await this.#swept(sql.sweepWakes, WAKE_HOURS, SWEEP_BATCH);
    const events = await this.#swept(sql.sweepEvents, SWEEP_BATCH);
    const keys = await this.#swept(sql.sweepKeys, KEY_HOURS, SWEEP_BATCH);
    const requests = await this.#swept(sql.sweepRequests, KEY_HOURS, SWEEP_BATCH);
    const cycles = await this.#swept(sql.sweepCycles, CYCLE_DAYS);
    return { runs: runs + wakes, events, keys: keys + requests, cycles };
  }

  async #swept(statement: Statement, ...values: readonly number[]): Promise<number> {
    const [row] = await this.#database.rows<{ swept: number }>(statement, values);
    return row?.swept ?? 0;
  }
}
