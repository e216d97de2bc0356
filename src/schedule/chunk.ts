import type { Queryable } from '../db/database.ts';
import type { CataloguedWorker } from '../fleet/catalogue.ts';
import type { CatchUp } from '../fleet/worker.ts';
import type { Planned } from './planned.ts';
import { scheduleSql } from './sql.ts';

/** Before every tenant id. */
export const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Which runs to make next. */
export interface ChunkRequest {
  readonly cadenceId: number;
  readonly worker: CataloguedWorker;
  /** Ascending. */
  readonly slots: readonly Date[];
  readonly catchUp: CatchUp;
  /** Let the newest slot cover owed runs of earlier slots too. */
  readonly coverOwed: boolean;
  readonly after: string;
  readonly limit: number;
  readonly only?: string | undefined;
}

/** Makes the runs of the next tenants of a cadence in one statement. Safe to repeat. */
export async function planChunk(
  database: Queryable,
  request: ChunkRequest,
): Promise<{ readonly planned: Planned; readonly last: string; readonly finished: boolean }> {
  const values = [
    request.cadenceId,
    request.worker.name,
    request.slots,
    request.catchUp,
    request.worker.definition.when.servesSuspended,
    request.coverOwed,
    request.after,
    request.limit,
    request.only ?? null,
  ];
  const [row] = await database.rows<Planned & { last: string; seen: number } & Record<string, unknown>>(
    scheduleSql.planChunk,
    values,
  );
  if (row === undefined)
    return { planned: { total: 0, owed: 0, skipped: 0, covered: 0 }, last: request.after, finished: true };
  const { total, owed, skipped, covered, last, seen } = row;
  return { planned: { total, owed, skipped, covered }, last, finished: seen < request.limit };
}
