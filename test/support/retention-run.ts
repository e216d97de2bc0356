import type { Answer } from '../../src/fleet/answer.ts';
import type { TestDatabase } from './database.ts';
import type { Performing } from './performing.ts';
import { addRun } from './runs.ts';

/** One run of retention for a tenant. */
export interface RetentionRun {
  readonly tenantId: string;
  readonly slot: Date;
  /** Fields that differ from the default policy; left out, the stored policy counts. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Rows looked at per step. */
  readonly stepRows?: number;
  /** Steps that are committed before the worker is killed; left out, it comes to its end. */
  readonly killedAfter?: number;
}

/** Performs a run of the slot; one that was made before is forgotten, so that a test may run it as often as it likes. */
export async function retentionRun(database: TestDatabase, retention: Performing, run: RetentionRun): Promise<Answer> {
  await database.admin("delete from public.runs where tenant_id = $1 and worker = 'retention-purge' and slot = $2", [
    run.tenantId,
    run.slot,
  ]);
  const runId = await addRun(database, run.tenantId, { worker: 'retention-purge', slot: run.slot });
  const call = {
    tenantId: run.tenantId,
    runId,
    attempt: 0,
    ...(run.policy === undefined ? {} : { policy: { ...retention.worker.defaultPolicy, ...run.policy } }),
    settings: { step_rows: run.stepRows ?? 5_000 },
  };
  if (run.killedAfter === 0) return { status: 'more', plan: '', waitMs: 0 };
  return await retention.run(call, run.killedAfter);
}
