import { type Author, enter } from '../audit/log.ts';
import type { Queryable, Row } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Counts } from '../kernel/outcome.ts';
import type { RunState } from './run-state.ts';

const sql = loadStatements(new URL('./tenant-runs.sql', import.meta.url), [
  'enqueue',
  'find',
  'list',
  'why',
  'cancel',
  'retry',
]);

/** Work that somebody of a tenant asks for; its payload has been checked against the worker's schema. */
export interface RunRequest {
  readonly worker: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly key?: string | undefined;
  readonly availableAt?: string | undefined;
  /** 0 to 9: the highest comes first, among the tenant's runs of this worker. */
  readonly priority?: number | undefined;
  /** Skipped where it has not begun by then. */
  readonly deadline?: string | undefined;
}

/** A run as its own tenant sees it. */
export interface TenantRun extends Row {
  readonly run_id: string;
  readonly worker: string;
  readonly slot: Date | null;
  readonly origin: string;
  readonly state: RunState;
  readonly attempt: number;
  readonly failures: number;
  readonly reason: string | null;
  readonly error: string | null;
  readonly counts: Counts | null;
  readonly available_at: Date;
  readonly priority: number;
  readonly deadline: Date | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

/** Why a run stands where it stands. */
export interface TenantRunWhy extends Row {
  readonly worker: string;
  readonly state: RunState;
  readonly reason: string | null;
  readonly attempt: number;
  readonly hold: string | null;
  readonly value: number | null;
  readonly bound: number | null;
  readonly since: Date | null;
  readonly clears_at: Date | null;
  readonly before: number;
  /** Of its worker's last runs for this tenant; null = none was done yet. */
  readonly mean_seconds: number | null;
}

/** Which page of a tenant's runs. */
export interface TenantRunPage {
  readonly worker?: string | undefined;
  readonly state?: RunState | undefined;
  /** After the run that was made then and has this id. */
  readonly after?: readonly [made: string, runId: string] | undefined;
  readonly limit: number;
}

/** Behind no run. */
const FROM_THE_NEWEST = Object.freeze(['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const);

/** The ledger as one tenant sees it, as `rae_api`. Those of others are not there: `RAE_NOT_FOUND`. */
export class TenantRuns {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /**
   * Owes a run for each request, all or none. @returns their ids, in the same order.
   * @throws RaeError `RAE_USAGE`, or `RAE_KEY_REUSED` where a key was used for something else.
   */
  async enqueue(tenantId: string, requests: readonly RunRequest[]): Promise<readonly string[]> {
    const items = requests.map(({ availableAt: at, ...request }) => ({ ...request, at }));
    try {
      return await this.#tenants.inTenant(tenantId, async (tx) => {
        const rows = await tx.rows<{ run_id: string }>(sql.enqueue, [JSON.stringify(items)]);
        return rows.map(({ run_id: id }) => id);
      });
    } catch (error) {
      throw refusal(error);
    }
  }

  /** One run, with what it carries. */
  async find(tenantId: string, runId: string): Promise<TenantRun & { readonly payload: unknown }> {
    return this.#tenants.inTenant(tenantId, (tx) => found(tx, tenantId, runId));
  }

  /** A page of the tenant's runs, the newest first. */
  async list(tenantId: string, page: TenantRunPage): Promise<readonly (TenantRun & { readonly made: string })[]> {
    const { worker = null, state = null, after = FROM_THE_NEWEST, limit } = page;
    const values = [tenantId, worker, state, ...after, limit];
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<TenantRun & { made: string }>(sql.list, values));
  }

  /** Why a run stands where it stands. */
  async why(tenantId: string, runId: string): Promise<TenantRunWhy> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [why] = await tx.rows<TenantRunWhy>(sql.why, [tenantId, runId]);
      if (why === undefined) throw missing(runId);
      return why;
    });
  }

  /** Takes an owed run out of the work and enters that in the audit log; one that was cancelled before stays so. @throws RaeError `RAE_REFUSED` when it is past that. */
  async cancel(tenantId: string, runId: string, author: Author): Promise<TenantRun> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [cancelled] = await tx.rows(sql.cancel, [tenantId, runId]);
      const run = await found(tx, tenantId, runId);
      if (cancelled !== undefined) await enter(tx, author, 'run.cancelled', { run_id: runId, worker: run.worker });
      if (cancelled !== undefined || run.reason === 'cancelled') return run;
      throw new RaeError('RAE_REFUSED', `the run is ${run.state}; only owed runs can be cancelled`);
    });
  }

  /** Makes a dead run owed again and enters that in the audit log. @throws RaeError `RAE_REFUSED` for one that is not dead, or that belongs to a slot. */
  async retry(tenantId: string, runId: string, author: Author): Promise<TenantRun> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [back] = await tx.rows(sql.retry, [tenantId, runId]);
      const run = await found(tx, tenantId, runId);
      if (back !== undefined) {
        await enter(tx, author, 'run.retried', { run_id: runId, worker: run.worker });
        return run;
      }
      if (run.state !== 'dead')
        throw new RaeError('RAE_REFUSED', `the run is ${run.state}; only dead runs are retried`);
      throw new RaeError('RAE_REFUSED', 'the run belongs to a slot of a cycle, which operators retry');
    });
  }
}

async function found(tx: Queryable, tenantId: string, runId: string): Promise<TenantRun & { payload: unknown }> {
  const [run] = await tx.rows<TenantRun & { payload: unknown }>(sql.find, [tenantId, runId]);
  if (run === undefined) throw missing(runId);
  return run;
}

function missing(runId: string): RaeError {
  return new RaeError('RAE_NOT_FOUND', `there is no run ${runId}`);
}

/** What rae_enqueue says of a request, in a code. */
function refusal(error: unknown): unknown {
  if (sqlStateOf(error) !== '22023') return error;
  const message = messageOf(error);
  const hint = Reflect.get(error as Error, 'hint') as string | undefined;
  return new RaeError(message.includes('was used for another') ? 'RAE_KEY_REUSED' : 'RAE_USAGE', message, {
    hint,
    cause: error,
  });
}
