import type { HoldReason } from '../ledger/hold-reason.ts';

/** A tenant's owed runs of a worker that are passed over. */
export interface Hold {
  readonly tenantId: string;
  readonly worker: string;
  readonly reason: HoldReason;
  /** On the monotonic clock, in ms. */
  readonly sinceMs: number;
}

/** Who is held again so soon for the same reason was held all the time: a run left, and the next took its place. */
const GRACE_MS = 1_000;

/** Why tenants are passed over, and since when. */
export class HoldTimes {
  readonly #held = new Map<string, Hold & { releasedMs: number | undefined }>();

  /** The tenant is passed over from now on. */
  held(tenantId: string, worker: string, reason: HoldReason, nowMs: number): void {
    const known = this.#held.get(keyOf(tenantId, worker));
    const isSame = known?.reason === reason && nowMs - (known.releasedMs ?? nowMs) < GRACE_MS;
    const sinceMs = isSame ? known.sinceMs : nowMs;
    this.#held.set(keyOf(tenantId, worker), { tenantId, worker, reason, sinceMs, releasedMs: undefined });
  }

  /** Why the tenant is passed over; undefined where it is not. */
  reason(tenantId: string, worker: string): HoldReason | undefined {
    const known = this.#held.get(keyOf(tenantId, worker));
    return known?.releasedMs === undefined ? known?.reason : undefined;
  }

  /** The tenant is not passed over any more. @returns why it was; undefined where it was not. */
  released(tenantId: string, worker: string, nowMs: number): HoldReason | undefined {
    const known = this.#held.get(keyOf(tenantId, worker));
    if (known === undefined || known.releasedMs !== undefined) return undefined;
    known.releasedMs = nowMs;
    return known.reason;
  }

  /** The tenant has nothing that could be held. */
  forget(tenantId: string, worker: string): void {
    this.#held.delete(keyOf(tenantId, worker));
  }

  /** Who is held for one of `reasons` now. */
  *now(...reasons: readonly HoldReason[]): Generator<Hold> {
    for (const hold of this.#held.values()) {
      if (hold.releasedMs === undefined && reasons.includes(hold.reason)) yield hold;
    }
  }

  /** Who has been held for `ms` or longer, but for moments. Forgets who no longer is. */
  lasting(ms: number, nowMs: number): readonly Hold[] {
    const lasting: Hold[] = [];
    for (const [key, hold] of this.#held) {
      if (hold.releasedMs !== undefined && nowMs - hold.releasedMs >= GRACE_MS) this.#held.delete(key);
      else if (nowMs - hold.sinceMs >= ms) lasting.push(hold);
    }
    return lasting;
  }

  clear(): void {
    this.#held.clear();
  }
}

function keyOf(tenantId: string, worker: string): string {
  return `${tenantId} ${worker}`;
}
