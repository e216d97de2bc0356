import type { TenantContext } from '../db/tenant-context.ts';
import type { Clock } from '../kernel/clock.ts';
import type { AdmittedRun, RunLedger } from '../ledger/run-ledger.ts';
import type { CataloguedWorker } from './catalogue.ts';
import type { RunEnd } from './run-end.ts';
import type { Outside } from './worker.ts';

/** What every way of performing a run needs. */
export interface PerformerPorts {
  readonly tenants: TenantContext;
  readonly ledger: RunLedger;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** A run that has worked for so long yields at its next step, to let others have its place. */
  readonly sliceMs: number;
  /** Bounds the steps that hold a connection at once. */
  readonly steps: <T>(step: () => Promise<T>) => Promise<T>;
  readonly outside: Outside;
  /** See `Run.secret`. */
  readonly secret: (tenantId: string, name: string) => Promise<readonly string[]>;
  /** True once the process drains: runs yield at their next step. */
  readonly draining: () => boolean;
  /** Aborted when the process gives up on what it could not drain. */
  readonly abort: AbortSignal;
}

/** Performs one attempt of a run from claim to record. Throws for "try again later". */
export type Performer = (worker: CataloguedWorker, settings: unknown, ref: AdmittedRun) => Promise<RunEnd>;
