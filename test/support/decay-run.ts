import type { Answer } from '../../src/fleet/answer.ts';
import type { TestDatabase } from './database.ts';
import type { Performing } from './performing.ts';
import { addRun } from './runs.ts';

/** Runs decay for a tenant as one run that stands for `slots`. */
export interface DecayRun {
  readonly tenantId: string;
  readonly slots: readonly Date[];
  /** Fields that differ from the default policy. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Memories per step; the least that the settings allow is ten. */
  readonly stepRows?: number;
  /** Steps that are committed before the worker is killed; left out, it comes to its end. */
  readonly killedAfter?: number;
}

/**
 * Makes a run of the newest slot that covers the older ones, as the planner would, and performs it. Runs of these
 * slots that were made before are forgotten, so that a test may run a date as often as it likes.
 */
export async function decayRun(database: TestDatabase, decay: Performing, run: DecayRun): Promise<Answer> {
  const slots = [...run.slots].sort((a, b) => a.getTime() - b.getTime());
  const newest = slots.at(-1);
  if (newest === undefined) throw new Error('a run stands for one slot at least');
  const older = slots.slice(0, -1);
  await database.admin("delete from public.runs where tenant_id = $1 and worker = 'decay' and slot = any($2)", [
    run.tenantId,
    slots,
  ]);
  for (const slot of older) {
    await addRun(database, run.tenantId, {
      slot,
      state: 'skipped',
      reason: 'covered',
      covered_by: newest,
      finished_at: new Date(),
    });
  }
  const runId = await addRun(database, run.tenantId, {
    slot: newest,
    ...(older[0] === undefined ? {} : { covers_from: older[0] }),
  });
  const call = {
    tenantId: run.tenantId,
    runId,
    attempt: 0,
    policy: { ...decay.worker.defaultPolicy, ...run.policy },
    settings: { step_rows: run.stepRows ?? 5_000 },
  };
  if (run.killedAfter === 0) return { status: 'more', plan: '', waitMs: 0 };
  return await decay.run(call, run.killedAfter);
}
