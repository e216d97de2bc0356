import type { Queryable } from '../db/database.ts';
import type { LedgerRun } from './ledger-run.ts';
import type { Picture } from './picture.ts';
import type { ShareRow } from './share.ts';
import { dispatchSql } from './sql.ts';

/** A run that was queued and is owed again. */
export interface TakenBackRun {
  readonly tenantId: string;
  readonly runId: string;
  readonly worker: string;
}

/** What is in flight so long and not by the ledger has left without being heard of, in ms. */
const SETTLED_MS = 1_000;

/** Makes the picture of what is admitted from the ledger, and compares the two again and again. */
export class Reconciliation {
  readonly #database: Queryable;
  readonly #picture: Picture;
  #strangers = new Set<string>();

  constructor(database: Queryable, picture: Picture) {
    this.#database = database;
    this.#picture = picture;
  }

  /** Takes in all that is admitted, and how many partitions there are. */
  async begin(nowMs: number): Promise<void> {
    this.#strangers.clear();
    await this.readPartitions();
    await this.#adopt(await this.#database.rows<LedgerRun>(dispatchSql.inFlight, [0]), nowMs);
  }

  /** Reads how many shared partitions there are. */
  async readPartitions(): Promise<void> {
    const [row] = await this.#database.rows<{ partitions: number }>(dispatchSql.partitions);
    if (row !== undefined) this.#picture.places.partitions = row.partitions;
  }

  /**
   * Takes out of the picture what has left without being heard of, and takes in what was admitted without being known,
   * as the answer to its admission was lost.
   */
  async compare(nowMs: number): Promise<void> {
    const { flight } = this.#picture;
    await this.readPartitions();
    // Most have ended and were heard of: only the others need a look at each of their runs.
    const ended = flight.admissions.takeEnded();
    if (ended.length > 0) await this.#database.rows(dispatchSql.dropFlights, [ended]);
    const before = flight.runs;
    const rows = await this.#database.rows<LedgerRun>(dispatchSql.inFlight, [SETTLED_MS]);
    const flying = new Set(rows.map((run) => run.run_id));
    for (const run of before) {
      if (nowMs - run.admittedMs < 2 * SETTLED_MS || flying.has(run.runId)) continue;
      // Admitted anew meanwhile, it is another flight. How long it took was not heard: as long as was thought.
      if (flight.get(run.runId) === run) this.#picture.left(run, run.estimateMs, nowMs);
    }
    // Seen twice, as the answer to an admission may still be on its way.
    const unknown = rows.filter(({ run_id: runId }) => flight.get(runId) === undefined);
    const adopted = unknown.filter(({ run_id: runId }) => this.#strangers.has(runId));
    this.#strangers = new Set(unknown.map(({ run_id: runId }) => runId));
    await this.#adopt(adopted, nowMs);
  }

  /** Takes back, in the ledger, what is queued for a place that its tenant has left. */
  async takeBackMoved(): Promise<readonly TakenBackRun[]> {
    type Row = { tenant_id: string; run_id: string; worker: string };
    const rows = await this.#database.rows<Row>(dispatchSql.takeBack);
    return rows.map((row) => ({ tenantId: row.tenant_id, runId: row.run_id, worker: row.worker }));
  }

  async #adopt(runs: readonly LedgerRun[], nowMs: number): Promise<void> {
    const { shares } = this.#picture;
    const unknown = [...new Set(runs.map((run) => run.tenant_id))].filter((id) => shares.get(id) === undefined);
    if (unknown.length > 0) {
      for (const row of await this.#database.rows<ShareRow>(dispatchSql.shares, [unknown])) shares.set(row);
    }
    for (const run of runs) this.#picture.adopt(run, nowMs);
  }
}
