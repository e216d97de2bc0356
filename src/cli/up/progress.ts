import type { Queryable } from '../../db/database.ts';
import { loadStatements } from '../../db/statement.ts';

const sql = loadStatements(new URL('./progress.sql', import.meta.url), [
  'workers',
  'cycles',
  'unenrolled',
  'tenants',
  'server',
]);

/** Where one worker's runs stand. */
export interface WorkerProgress {
  readonly worker: string;
  readonly owed: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
  readonly oldestSeconds: number;
}

/** Where one cycle stands. `skipped` is by reason. */
export interface CycleProgress {
  readonly worker: string;
  readonly slot: string;
  readonly owed: number;
  readonly done: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly dead: number;
  readonly seconds: number;
  readonly changed: Readonly<Record<string, number>>;
  readonly finished: boolean;
  readonly total: number;
}

/** Names a cycle. */
export interface CycleName {
  readonly worker: string;
  readonly slot: string;
}

/** What `rae up` reads of a fleet, as rae_operator. */
export class FleetProgress {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  async workers(): Promise<readonly WorkerProgress[]> {
    const rows = await this.#database.rows<Omit<WorkerProgress, 'oldestSeconds'> & { oldest_seconds: number }>(
      sql.workers,
    );
    return rows.map(({ oldest_seconds: oldestSeconds, ...row }) => ({ ...row, oldestSeconds }));
  }

  async cycles(names: readonly CycleName[]): Promise<readonly CycleProgress[]> {
    const values = [names.map(({ worker }) => worker), names.map(({ slot }) => slot)];
    const rows = await this.#database.rows<Omit<CycleProgress, 'slot'> & { slot: Date }>(sql.cycles, values);
    return rows.map((row) => ({ ...row, slot: row.slot.toISOString() }));
  }

  /** The version of Postgres: of a given one only a connection can tell it. */
  async postgresVersion(): Promise<string> {
    const [row] = await this.#database.rows<{ version: string }>(sql.server);
    return row?.version ?? 'unknown';
  }

  /** True until every tenant is known to every one of so many workers. */
  async enrolling(workers: number): Promise<boolean> {
    const [row] = await this.#database.rows<{ waiting: boolean }>(sql.unenrolled, [workers]);
    return row?.waiting ?? false;
  }

  async tenants(): Promise<number> {
    const [row] = await this.#database.rows<{ tenants: number }>(sql.tenants);
    return row?.tenants ?? 0;
  }
}
