import pg from 'pg';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { redactUrl } from '../kernel/redact.ts';
import { CopyAbandoned, copyIn, copyOut } from './copy.ts';
import { isAccountRefused, isConnectionLoss, isQuota, sqlStateOf } from './sqlstate.ts';
import type { Statement } from './statement.ts';

/** How a process reaches one database. */
export interface DatabaseOptions {
  readonly url: string;
  /** Shown in pg_stat_activity, so that an SRE sees whose connection it is. */
  readonly applicationName: string;
  /** Most connections at once. */
  readonly poolSize: number;
  /** The server ends a statement after this long. 0 = no limit. Not sent through a pooler, which refuses it. */
  readonly statementTimeoutMs: number;
  /** Send named prepared statements. Off behind PgBouncer older than 1.21 in transaction mode. */
  readonly prepared: boolean;
  /** The URL goes through a pooler in transaction mode: no start-up parameters, no session state. */
  readonly pooled?: boolean;
  /** The role to act as for the whole session: only for the CLI's direct connections. */
  readonly role?: string;
  /** Asked once, on the first connection and before its first statement; what it throws stands in that one's place. */
  readonly admit?: (database: Queryable) => Promise<void>;
  /** Told when an idle connection breaks; the pool makes a new one at the next use. */
  readonly onDisconnect?: (message: string) => void;
}

/** How much longer than its statement timeout a server may be silent before its connection counts as lost. */
const SILENCE_MS = 5_000;

/** A row as the server sends it. */
export type Row = Record<string, unknown>;

/** What a statement can be sent to: a pool or an open transaction. */
export interface Queryable {
  /** Sends `statement` and gives its rows. Values are bound, never spliced. */
  rows<R extends Row>(statement: Statement, values?: readonly unknown[]): Promise<R[]>;
}

/** An open transaction. */
export interface Transaction extends Queryable {
  /** Sends `data` to a `COPY … FROM STDIN`, and waits until the server has it. */
  copyIn(statement: Statement, data: Buffer): Promise<void>;
  /** Hands what a `COPY … TO STDOUT` gives to `take` piece by piece, and gives the number of rows; the server waits while `take` does. */
  copyOut(statement: Statement, take: (piece: Buffer) => Promise<void>): Promise<number>;
}

/**
 * One database through one pool. Connects at first use. Reaches whatever its role may reach: tenant data is not
 * among it unless a tenant is entered, which only `TenantContext` does.
 */
export class Database implements Queryable {
  readonly #options: DatabaseOptions;
  readonly #pool: pg.Pool;
  #admitted: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    const session =
      options.pooled === true
        ? {}
        : {
            statement_timeout: options.statementTimeoutMs,
            lock_timeout: Math.floor(options.statementTimeoutMs / 2),
            idle_in_transaction_session_timeout: options.statementTimeoutMs,
            ...(options.role === undefined ? {} : { options: `-c role=${options.role}` }),
          };
    this.#pool = new pg.Pool({
      connectionString: options.url,
      application_name: options.applicationName,
      max: options.poolSize,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      // The server's own timeout ends a slow statement; this one ends the wait for a server that a lost route cut off.
      ...(options.statementTimeoutMs === 0 ? {} : { query_timeout: options.statementTimeoutMs + SILENCE_MS }),
      ...session,
    });
    // Without these listeners a connection that breaks would end the process: the first is for one that is idle in the
    // pool, the second for one in a transaction between two statements, whose next statement tells of it.
    this.#pool.on('error', (error) => options.onDisconnect?.(messageOf(error)));
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async rows<R extends Row>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    const client = await this.#connect();
    let broken = false;
    try {
      return (await client.query<R>(this.#query(statement, values))).rows;
    } catch (error) {
      // The pool's own query() closes the connection after any error: a row that is refused would cost a new one.
      broken = isConnectionLoss(error);
      throw this.#explained(error);
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs `work` in one transaction on one connection: committed when it resolves, rolled back when it throws.
   * @param opening the first message, which must open the transaction; sent as one round trip.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>, opening = 'begin'): Promise<T> {
    const client = await this.#connect();
    let broken: Error | undefined;
    try {
      await client.query(opening);
      const value = await work(this.#over(client));
      const end = await client.query('commit');
      // A statement whose error was swallowed inside `work` turns COMMIT into ROLLBACK: that must not pass as success.
      if (end.command !== 'COMMIT')
        throw new RaeError('RAE_INTERNAL', 'the transaction was rolled back instead of committed');
      return value;
    } catch (error) {
      if (error instanceof CopyAbandoned) {
        // A rollback would wait for the rest of what nobody reads any more.
        broken = error;
        throw error.cause;
      }
      try {
        await client.query('rollback');
      } catch (failed) {
        broken = failed instanceof Error ? failed : new Error(String(failed));
      }
      throw this.#explained(error);
    } finally {
      client.release(broken ?? false);
    }
  }

  /** Closes every connection once what runs on it has ended. Idempotent. */
  async close(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end();
  }

  async #connect(): Promise<pg.PoolClient> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      // Whatever is not the server's word stands between it and this process.
      throw sqlStateOf(error) === undefined ? this.#unreachable(error) : this.#explained(error);
    }
    try {
      this.#admitted ??= this.#options.admit?.(this.#over(client));
      await this.#admitted;
      return client;
    } catch (error) {
      client.release(isConnectionLoss(error));
      throw this.#explained(error);
    }
  }

  #over(client: pg.PoolClient): Transaction {
    return {
      rows: async <R extends Row>(statement: Statement, values: readonly unknown[] = []) =>
        (await client.query<R>(this.#query(statement, values))).rows,
      copyIn: (statement, data) => copyIn(client, statement, data),
      copyOut: (statement, take) => copyOut(client, statement, take),
    };
  }

  #query(statement: Statement, values: readonly unknown[]): pg.QueryConfig {
    const query = { text: statement.text, values: values as unknown[] };
    return this.#options.prepared && values.length > 0 ? { ...query, name: statement.key } : query;
  }

  #explained(error: unknown): unknown {
    if (isQuota(error)) {
      const hint = (error as { readonly hint?: string }).hint;
      return new RaeError('RAE_QUOTA_EXCEEDED', messageOf(error), { hint, cause: error });
    }
    if (error instanceof RaeError || !(isAccountRefused(error) || isConnectionLoss(error))) return error;
    return this.#unreachable(error);
  }

  #unreachable(error: unknown): RaeError {
    const message = messageOf(error);
    const hint = isAccountRefused(error)
      ? 'check the user, the password and the database name'
      : /\b(?:SSL|TLS|certificate)\b/i.test(message)
        ? 'check sslmode in the URL against what the server offers, and its certificate'
        : 'check that it runs and the address';
    const says = `Postgres at ${redactUrl(this.#options.url)}: ${message}`;
    return new RaeError('RAE_DATABASE_UNREACHABLE', says, { hint, cause: error });
  }
}
