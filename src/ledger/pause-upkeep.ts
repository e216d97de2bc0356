import type { Queryable } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { Pause } from './pause.ts';

const sql = loadStatements(new URL('./pause-upkeep.sql', import.meta.url), [
  'active',
  'takeBack',
  'running',
  'skipArrived',
  'expire',
]);

/** A run that a pause has taken back, and how it stood before; `owed` = somebody else took it back lately. */
export interface StoppedRun {
  readonly tenantId: string;
  readonly runId: string;
  readonly worker: string;
  readonly was: 'queued' | 'running' | 'owed';
}

const BATCH = 10_000;

/** What the ledger does about pauses while they hold and when they end. Every statement is safe to repeat. */
export class PauseUpkeep {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** The pauses that hold. */
  async active(): Promise<readonly Pause[]> {
    return this.#database.rows<Pause>(sql.active);
  }

  /** Makes admitted runs of what is paused owed again: those that have not begun, and where it aborts the others too. */
  async takeBack(): Promise<readonly StoppedRun[]> {
    type Row = { tenant_id: string; run_id: string; worker: string; was: StoppedRun['was'] };
    const rows = await this.#database.rows<Row>(sql.takeBack);
    return rows.map(({ tenant_id: tenantId, run_id: runId, worker, was }) => ({ tenantId, runId, worker, was }));
  }

  /** How many runs go on although a pause is to abort them. */
  async running(): Promise<number> {
    const [row] = await this.#database.rows<{ runs: number }>(sql.running);
    return row?.runs ?? 0;
  }

  /** Skips up to 10,000 runs that became owed during a pause that skips them. @returns whether there may be more. */
  async skipArrived(): Promise<boolean> {
    const [row] = await this.#database.rows<{ skipped: number }>(sql.skipArrived, [BATCH]);
    return row?.skipped === BATCH;
  }

  /** Lifts the pauses whose time is over. @returns how many. */
  async expire(): Promise<number> {
    return (await this.#database.rows(sql.expire)).length;
  }
}
