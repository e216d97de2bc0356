import type { Counts } from '../kernel/outcome.ts';

/** How one attempt of a run left its worker, for those who watch. */
export type RunEnd =
  /** Another admission owns the run: nothing was changed. */
  | { readonly kind: 'lost' }
  /** How it ended could not be written down: the ledger takes it back when its lease runs out. */
  | { readonly kind: 'unrecorded' }
  | {
      readonly kind: 'done' | 'skipped' | 'dead' | 'retried' | 'yielded' | 'deferred';
      readonly attempt: number;
      readonly plan: string;
      readonly waitMs: number;
      readonly slot?: string | undefined;
      readonly reason?: string;
      readonly counts?: Counts;
      /** False = its effect was not begun; default true. */
      readonly begun?: boolean;
    };

/** What a worker spent on one admission of a run, and whether that is over. */
export interface Departure {
  /** Worker time that its tenant is charged with; null = its effect was not begun. */
  readonly ms: number | null;
  /**
   * The ledger says that this admission is neither queued nor running any more, durably. False: its fence was lost, or
   * its end could not be written down; it leaves when its lease runs out.
   */
  readonly left: boolean;
}

/** What is known of a run when its claim did not get as far as its plan. */
export const UNKNOWN_PLAN = 'unknown';
