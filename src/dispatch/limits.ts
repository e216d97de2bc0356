import type { HoldReason } from '../ledger/hold-reason.ts';
import { EVERY_TENANT, type LimitRow } from '../ledger/limit.ts';

interface Limit extends LimitRow {
  /** The bucket holds what would have been due, evenly spaced, since then, on the monotonic clock; never less than the database's. */
  sinceMs: number;
}

/**
 * Caps of workers, for a tenant or in total, and rates, as they were read last. Rates are kept in the database, by the
 * admissions themselves; what is here only spares it wishes that it would refuse.
 */
export class Limits {
  readonly #limits = new Map<string, Limit>();
  /** When each that has used up its rate may have the next run. */
  readonly #waiting = new Map<string, { readonly tenantId: string; readonly readyMs: number }>();
  #rates = 0;

  /** Some tenant has a rate. */
  get areRated(): boolean {
    return this.#rates > 0;
  }

  /** Takes in all there are. `nowMs` is after they were read, so that no bucket is fuller here than there. */
  set(rows: readonly LimitRow[], nowMs: number): void {
    this.#limits.clear();
    this.#waiting.clear();
    for (const row of rows) {
      const sinceMs = row.behind_ms === null ? Number.NEGATIVE_INFINITY : nowMs - row.behind_ms;
      this.#limits.set(keyOf(row.tenant_id, row.worker), { ...row, sinceMs });
    }
    this.#rates = rows.filter((row) => row.rate_runs !== null).length;
  }

  /** What bounds a tenant's runs of a worker. */
  of(tenantId: string, worker: string): LimitRow | undefined {
    return this.#limits.size === 0 ? undefined : this.#limits.get(keyOf(tenantId, worker));
  }

  /** What bounds all runs of a worker. */
  total(worker: string): LimitRow | undefined {
    return this.of(EVERY_TENANT, worker);
  }

  /** Whether the tenant's runs of the worker have a rate. */
  isRated(tenantId: string, worker: string): boolean {
    return this.#rates > 0 && (this.of(tenantId, worker)?.rate_runs ?? null) !== null;
  }

  /** Why no run more may be picked, `picked` being picked and `admitted` admitted already. */
  reason(tenantId: string, worker: string, picked: number, admitted: number, nowMs: number): HoldReason | undefined {
    if (this.#limits.size === 0) return undefined;
    const key = keyOf(tenantId, worker);
    const limit = this.#limits.get(key);
    if (limit === undefined) return undefined;
    if (limit.run_cap !== null && admitted + picked >= limit.run_cap) return 'worker_cap';
    if (limit.rate_runs === null || picked < left(limit, nowMs)) return undefined;
    this.#waiting.set(key, {
      tenantId,
      readyMs: Math.max(limit.sinceMs, nowMs - most(limit)) + (picked + 1) * spacing(limit),
    });
    return 'rate';
  }

  /** So many were admitted, at `nowMs` at the latest. */
  admitted(tenantId: string, worker: string, runs: number, nowMs: number): void {
    const limit = this.#limits.get(keyOf(tenantId, worker));
    if (limit === undefined || limit.rate_runs === null) return;
    limit.sinceMs = Math.max(limit.sinceMs, nowMs - most(limit)) + runs * spacing(limit);
  }

  /** Tenants that waited for their rate and need not any more. */
  ready(nowMs: number): readonly string[] {
    const tenants: string[] = [];
    for (const [key, { tenantId, readyMs }] of this.#waiting) {
      if (readyMs > nowMs) continue;
      this.#waiting.delete(key);
      tenants.push(tenantId);
    }
    return tenants;
  }
}

/** Ms from run to run at the rate. */
function spacing({ rate_runs: runs, rate_seconds: seconds }: LimitRow): number {
  return (1_000 * (seconds ?? 1)) / (runs ?? 1);
}

/** A full bucket, in ms. */
function most(limit: LimitRow): number {
  return (limit.burst ?? 1) * spacing(limit);
}

/** Runs in the bucket. */
function left(limit: Limit, nowMs: number): number {
  return Math.min(limit.burst ?? 1, Math.floor((nowMs - limit.sinceMs) / spacing(limit)));
}

function keyOf(tenantId: string, worker: string): string {
  return `${tenantId} ${worker}`;
}
