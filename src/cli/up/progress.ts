import type { Queryable } from '../../db/database.ts';
import { loadStatements } from '../../db/statement.ts';

const sql = loadStatements(new URL('./progress.sql', import.meta.url), [
  'workers',
  'wakes',
  'atWork',
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

/** What arrivals have owed to a worker that they wake, in all. */
export interface WakeProgress {
  readonly worker: string;
  readonly owed: number;
  readonly done: number;
  readonly skipped: number;
  readonly dead: number;
  /** From the first to the last end. */
  readonly seconds: number;
  readonly changed: Readonly<Record<string, number>>;
}

/** Names a cycle. */
export interface CycleName {
  readonly worker: string;
  readonly slot: string;
}

/** What `rae up` reads of a fleet, as rae_operator. */
export class FleetProgress {
  readonly #database: Queryable;
  readonly #names: readonly string[];
  readonly #since: Date;

  /** @param names all workers · @param since what arrived before is not counted. */
  constructor(database: Queryable, names: readonly string[], since: Date) {
    this.#database = database;
    this.#names = names;
    this.#since = since;
  }

  /** Each worker, also one that had nothing to do. */
  async workers(): Promise<readonly WorkerProgress[]> {
    const rows = await this.#database.rows<Omit<WorkerProgress, 'oldestSeconds'> & { oldest_seconds: number }>(
      sql.workers,
      [this.#names, this.#since],
    );
    return rows.map(({ oldest_seconds: oldestSeconds, ...row }) => ({ ...row, oldestSeconds }));
  }

  /** What arrivals have owed to these workers. */
  async wakes(names: readonly string[]): Promise<readonly WakeProgress[]> {
    return this.#database.rows<WakeProgress & Record<string, unknown>>(sql.wakes, [names, this.#since]);
  }

  /** Whether something that arrived waits, or is being worked on. */
  async atWork(): Promise<boolean> {
    const [row] = await this.#database.rows<{ busy: boolean }>(sql.atWork);
    return row?.busy ?? false;
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
