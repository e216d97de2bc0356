import { type Author, enter } from '../audit/log.ts';
import type { Database, Queryable } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import { EVERY_TENANT, type LimitRow } from './limit.ts';

const sql = loadStatements(new URL('./limit-book.sql', import.meta.url), ['limits', 'setLimit', 'removeLimit']);

/** How many runs per so many seconds, and how many of them at once after a rest. */
export interface Rate {
  readonly runs: number;
  readonly seconds: 1 | 60 | 3_600;
  readonly burst: number;
}

/** What to change of a limit; undefined = as it is, null = nothing of that kind any more. */
export interface LimitChange {
  readonly runCap?: number | null | undefined;
  readonly rate?: Rate | null | undefined;
}

/** Everything that bounds single workers now. */
export async function readLimits(database: Queryable): Promise<readonly LimitRow[]> {
  return database.rows<LimitRow>(sql.limits);
}

/** What bounds single workers, as operators set it, as `rae_operator`: no admission after `set` has returned goes beyond it. */
export class LimitBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All limits there are. */
  async list(): Promise<readonly LimitRow[]> {
    return readLimits(this.#database);
  }

  /** Sets what bounds a worker's runs of a tenant, or undefined, of all together. @returns what bounds them now. */
  async set(
    tenantId: string | undefined,
    worker: string,
    change: LimitChange,
    author: Author,
  ): Promise<LimitRow | undefined> {
    const work = async (tx: Queryable) => {
      const before = await found(tx, tenantId, worker);
      const runCap = change.runCap === undefined ? (before?.run_cap ?? null) : change.runCap;
      const { rate_runs: runs = null, rate_seconds: seconds = null, burst = null } = before ?? {};
      const rate = change.rate === undefined ? { runs, seconds, burst } : change.rate;
      const key = [tenantId ?? EVERY_TENANT, worker];
      if (runCap === null && (rate?.runs ?? null) === null) await tx.rows(sql.removeLimit, key);
      else
        await tx.rows(sql.setLimit, [
          ...key,
          runCap,
          rate?.runs ?? null,
          rate?.seconds ?? null,
          rate?.burst ?? null,
          author.actor,
        ]);
      if (tenantId !== undefined) await enter(tx, author, 'tenant.limit_set', { worker, run_cap: runCap, rate });
      return found(tx, tenantId, worker);
    };
    return tenantId === undefined
      ? this.#database.transaction(work)
      : this.#database.transaction(work, enteringTenant(tenantId));
  }
}

async function found(tx: Queryable, tenantId: string | undefined, worker: string): Promise<LimitRow | undefined> {
  const rows = await readLimits(tx);
  return rows.find((row) => row.tenant_id === (tenantId ?? EVERY_TENANT) && row.worker === worker);
}
