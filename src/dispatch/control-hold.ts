import type { HoldReason } from '../ledger/hold-reason.ts';

/** Why operators hold something, who among them, and when that is over by itself. */
export interface ControlHold {
  readonly reason: HoldReason;
  readonly owner: string | null;
  readonly clearsAt: Date | null;
}
