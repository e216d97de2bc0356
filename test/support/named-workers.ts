import type { TestDatabase } from './database.ts';
import type { TestFleet } from './fleet.ts';
import type { TestProcess } from './processes.ts';
import { urlWith } from './server.ts';

/** Processes of one worker, each with sessions of its own name: which of them works on a run is told by the session that holds its row. */
export class NamedWorkers {
  readonly #fleet: TestFleet;
  readonly #database: TestDatabase;
  readonly #worker: string;
  readonly #running = new Map<string, TestProcess>();
  #started = 0;

  constructor(fleet: TestFleet, database: TestDatabase, worker: string) {
    this.#fleet = fleet;
    this.#database = database;
    this.#worker = worker;
  }

  /** @param env settings of this process alone */
  start(env: Readonly<Record<string, string>> = {}): TestProcess {
    const name = `worker ${this.#started}`;
    this.#started += 1;
    const url = urlWith(this.#database.url('rae_worker'), { applicationName: name });
    const one = this.#fleet.worker([this.#worker], { RAE_DATABASE_URL: url, RAE_PG_POOL: '2', ...env });
    this.#running.set(name, one);
    return one;
  }

  /** Names of the sessions of the running processes. */
  get sessions(): readonly string[] {
    return [...this.#running.keys()];
  }

  /** The running process whose sessions have the name. */
  get(session: string): TestProcess | undefined {
    return this.#running.get(session);
  }

  /** Kills whichever process has the sessions of this name. */
  kill(session: string): void {
    this.#running.get(session)?.kill('SIGKILL');
    this.#running.delete(session);
  }

  /** It is killed, or about to be. */
  forget(session: string): void {
    this.#running.delete(session);
  }
}
