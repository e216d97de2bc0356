import type { Queryable } from '../db/database.ts';
import { loadFunctions } from '../db/function-set.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Counts } from '../kernel/outcome.ts';
import type { RunState } from './run-state.ts';

/** The ledger's functions, for `rae migrate`. */
export const ledgerFunctions = loadFunctions(new URL('./functions.sql', import.meta.url));

const sql = loadStatements(
  new URL('./statements.sql', import.meta.url),
  ['claim', 'settle', 'beginStep', 'endStep', 'failures'],
  ledgerFunctions,
);

/** Names one run and the attempt that whoever speaks holds: the fence. */
export interface RunRef {
  readonly tenantId: string;
  readonly runId: string;
  readonly attempt: number;
}

/** A run as its ticket names it: what its claim must find. */
export interface AdmittedRun extends RunRef {
  /** The placement epoch that it was admitted under. */
  readonly epoch: number;
  /** sha256 of its payload in hex; null = it has none. */
  readonly payloadHash: string | null;
}

/** Why a claim gives a run back instead: its tenant was moved since its admission, or it carries another payload. */
export type HandBackReason = 'moved' | 'payload_changed';

/** What a claim gives. */
export type Claim =
  | { readonly status: 'lost' }
  | { readonly status: 'skipped'; readonly reason: string; readonly plan: string }
  | { readonly status: 'handed_back'; readonly reason: HandBackReason; readonly plan: string }
  | {
      readonly status: 'claimed';
      readonly attempt: number;
      readonly failures: number;
      readonly plan: string;
      readonly waitMs: number;
      readonly slot: string | null;
      readonly payload: unknown;
      readonly progress: unknown;
      /** The tenant's policy as stored; null = it has none. */
      readonly document: unknown;
      readonly hintSeq: number | null;
      /** Older slots recorded as covered by this run. */
      readonly covered: readonly string[] | null;
    };

/** How a run leaves an attempt. */
export interface Settlement {
  readonly state: Extract<RunState, 'owed' | 'done' | 'skipped' | 'dead'>;
  /** The attempt was never claimed, or its claim was rolled back with the work. */
  readonly fresh?: boolean;
  readonly afterMs?: number;
  readonly reason?: string;
  readonly error?: string;
  readonly counts?: Counts;
  readonly failed?: boolean;
  /** Set with the hint_seq that the claim saw when the tenant has nothing more to do. */
  readonly idleSince?: number | null;
}

/** The moves of a run that its worker makes. Each is fenced: with a lost fence it changes nothing and says so. */
export class RunLedger {
  readonly #tenants: TenantContext;
  readonly #leaseMs: number;

  constructor(tenants: TenantContext, leaseMs: number) {
    this.#tenants = tenants;
    this.#leaseMs = leaseMs;
  }

  /**
   * queued → running under a new attempt, or why not: lost = another admission owns it, skipped and handed_back = the
   * ledger says so already. One transaction.
   */
  async claim(run: AdmittedRun, servesSuspended: boolean): Promise<Claim> {
    const { tenantId, runId, attempt, epoch, payloadHash } = run;
    const values = [runId, attempt, epoch, payloadHash, this.#leaseMs, servesSuspended];
    const [row] = await this.#tenants.call<{ result: Claim }>(tenantId, sql.claim, values);
    return row?.result ?? { status: 'lost' };
  }

  /** Ends the attempt in a transaction of its own. @returns false when the fence is lost. */
  async settle(ref: RunRef, settlement: Settlement): Promise<boolean> {
    const [row] = await this.#tenants.call<{ held: boolean }>(ref.tenantId, sql.settle, settleValues(ref, settlement));
    return row?.held ?? false;
  }

  /** Ends the attempt inside the transaction of its last step, so that effect and record commit together. */
  async settleWithin(tx: Queryable, ref: RunRef, settlement: Settlement): Promise<boolean> {
    const [row] = await tx.rows<{ held: boolean }>(sql.settle, [ref.tenantId, ...settleValues(ref, settlement)]);
    return row?.held ?? false;
  }

  /** How often the run has failed so far. */
  async failures(ref: RunRef): Promise<number> {
    const [row] = await this.#tenants.inTenant(ref.tenantId, (tx) =>
      tx.rows<{ failures: number }>(sql.failures, [ref.tenantId, ref.runId]),
    );
    return row?.failures ?? 0;
  }

  /** Renews the lease between steps. @returns false when the fence is lost. */
  async renew(ref: RunRef): Promise<boolean> {
    const values = [ref.runId, ref.attempt, this.#leaseMs];
    const [row] = await this.#tenants.call<{ held: boolean }>(ref.tenantId, sql.beginStep, values);
    return row?.held ?? false;
  }

  /** First statement of a step: renews the lease and holds the run's row until the transaction ends. */
  async beginStep(tx: Queryable, ref: RunRef): Promise<boolean> {
    const values = [ref.tenantId, ref.runId, ref.attempt, this.#leaseMs];
    const [row] = await tx.rows<{ held: boolean }>(sql.beginStep, values);
    return row?.held ?? false;
  }

  /** Last statement of a step that does not end the run: records progress and what it changed. */
  async endStep(tx: Queryable, ref: RunRef, progress: unknown, counts: Counts | undefined): Promise<boolean> {
    const values = [ref.tenantId, ref.runId, ref.attempt, jsonOrNull(progress), jsonOrNull(counts)];
    const [row] = await tx.rows<{ held: boolean }>(sql.endStep, values);
    return row?.held ?? false;
  }
}

function settleValues(ref: RunRef, settlement: Settlement): readonly unknown[] {
  const idle = settlement.idleSince !== undefined && settlement.idleSince !== null;
  return [
    ref.runId,
    ref.attempt,
    settlement.fresh ?? false,
    settlement.state,
    Math.round(settlement.afterMs ?? 0),
    settlement.reason ?? null,
    settlement.error ?? null,
    jsonOrNull(settlement.counts),
    settlement.failed === true ? 1 : 0,
    idle,
    idle ? settlement.idleSince : null,
  ];
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
