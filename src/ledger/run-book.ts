import { type Author, enter, FLEET_LOG, OPERATOR } from '../audit/log.ts';
import type { Database } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import type { HoldReason } from './hold-reason.ts';
import type { RunState } from './run-state.ts';
import type { TenantRun } from './tenant-runs.ts';

const sql = loadStatements(new URL('./run-book.sql', import.meta.url), [
  'list',
  'show',
  'why',
  'owedWork',
  'retry',
  'deadRuns',
  'cancel',
  'queueStates',
  'partitions',
]);

/** A run as operators see it: everything but what it carries. */
export interface RunRecord extends TenantRun {
  readonly tenant_id: string;
  readonly lapses: number;
  readonly covered_by: Date | null;
}

/** Why a run stands where it stands, as it was decided and recorded. */
export interface RunHold extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly worker: string;
  readonly state: RunState;
  /** Why an owed run is not admitted; null = it waits for its turn only, or is not owed. */
  readonly reason: HoldReason | null;
  /** What the reason counts, and how much of it there may be; null where it counts nothing. */
  readonly value: number | null;
  readonly bound: number | null;
  /** Who decided it, where that was a person. */
  readonly owner: string | null;
  readonly since: Date | null;
  readonly clears_at: Date | null;
  readonly dedicated: boolean | null;
  /** How many runs of its tenant and worker wait like it. */
  readonly waiting: number | null;
}

/** Owed runs of one tenant and worker that are held for one reason; null = eligible. */
export interface OwedWork extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly worker: string;
  readonly dedicated: boolean;
  readonly quarantined: boolean;
  readonly reason: HoldReason | null;
  readonly runs: number;
}

/** Which runs to list. */
export interface RunFilter {
  readonly tenantId?: string | undefined;
  readonly worker?: string | undefined;
  readonly state?: RunState | undefined;
  readonly slot?: Date | undefined;
  /** Only runs made before this instant: the `created_at` of the last one of the page before. */
  readonly before?: Date | undefined;
  readonly limit: number;
}

/** Admitted runs of one tenant and worker in one state. */
export interface QueueState extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly worker: string;
  readonly dedicated: boolean;
  readonly quarantined: boolean;
  readonly state: 'queued' | 'running';
  readonly runs: number;
}

/** The ledger as operators read and mend it, as `rae_operator`. */
export class RunBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Runs that fit the filter, newest first. */
  async list({ tenantId, worker, state, slot, before, limit }: RunFilter): Promise<readonly RunRecord[]> {
    const values = [tenantId ?? null, worker ?? null, state ?? null, slot ?? null, before ?? null, limit];
    return this.#database.rows<RunRecord>(sql.list, values);
  }

  /** @throws RaeError `RAE_NOT_FOUND` */
  async show(runId: string): Promise<RunRecord> {
    const [run] = await this.#database.rows<RunRecord>(sql.show, [runId]);
    if (run !== undefined) return run;
    throw new RaeError('RAE_NOT_FOUND', `there is no run ${runId}`, { hint: 'see the runs with: rae run list' });
  }

  /** Why a run stands where it stands. @throws RaeError `RAE_NOT_FOUND` */
  async why(runId: string): Promise<RunHold> {
    const [hold] = await this.#database.rows<RunHold>(sql.why, [runId]);
    if (hold !== undefined) return hold;
    throw new RaeError('RAE_NOT_FOUND', `there is no run ${runId}`, { hint: 'see the runs with: rae run list' });
  }

  /** Owed runs by tenant, worker and what holds them. */
  async owedWork(): Promise<readonly OwedWork[]> {
    return this.#database.rows<OwedWork>(sql.owedWork);
  }

  /**
   * Makes a dead run owed again, with its failures forgotten. Safe to repeat.
   * @throws RaeError `RAE_NOT_FOUND`, or `RAE_REFUSED` for a run that is not dead.
   */
  async retry(runId: string, author: Author = OPERATOR): Promise<void> {
    const run = await this.show(runId);
    if (run.state !== 'dead') {
      throw new RaeError('RAE_REFUSED', `run ${runId} is ${run.state}; only dead runs are retried by hand`);
    }
    await this.#database.transaction(async (tx) => {
      const back = await tx.rows(sql.retry, [[runId]]);
      if (back.length > 0) await enter(tx, author, 'run.retried', { run_id: runId, worker: run.worker });
    }, enteringTenant(run.tenant_id));
  }

  /** Makes up to 10,000 dead runs owed again, the oldest first. @returns how many. */
  async retryDead(worker: string | undefined, tenantId: string | undefined): Promise<number> {
    return this.#database.transaction(
      async (tx) => {
        const dead = await tx.rows<{ run_id: string }>(sql.deadRuns, [worker ?? null, tenantId ?? null, 10_000]);
        const back = await tx.rows(sql.retry, [dead.map((run) => run.run_id)]);
        await enter(tx, OPERATOR, 'run.retried_dead', { worker, runs: back.length });
        return back.length;
      },
      enteringTenant(tenantId ?? FLEET_LOG),
    );
  }

  /**
   * Takes an owed run out of the ledger's work: it is recorded as skipped.
   * @throws RaeError `RAE_NOT_FOUND`, or `RAE_REFUSED` for a run that has been admitted or has ended.
   */
  async cancel(runId: string, author: Author = OPERATOR): Promise<void> {
    const run = await this.show(runId);
    const cancelled = await this.#database.transaction(async (tx) => {
      const rows = await tx.rows(sql.cancel, [runId]);
      if (rows.length > 0) await enter(tx, author, 'run.cancelled', { run_id: runId, worker: run.worker });
      return rows.length > 0;
    }, enteringTenant(run.tenant_id));
    if (cancelled) return;
    throw new RaeError('RAE_REFUSED', `run ${runId} is ${run.state}; only owed runs can be cancelled`);
  }

  /** Admitted runs by tenant, worker and state. */
  async queueStates(): Promise<readonly QueueState[]> {
    return this.#database.rows<QueueState>(sql.queueStates);
  }

  /** Shared partitions; undefined until a scheduler has started. */
  async partitions(): Promise<number | undefined> {
    const [row] = await this.#database.rows<{ partitions: number }>(sql.partitions);
    return row?.partitions;
  }
}
