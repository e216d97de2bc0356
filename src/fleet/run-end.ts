import type { Counts } from '../kernel/outcome.ts';

/** How one attempt of a run left its worker, for those who watch. */
export type RunEnd =
  | { readonly kind: 'lost' }
  | {
      readonly kind: 'done' | 'skipped' | 'dead' | 'retried' | 'yielded' | 'deferred';
      readonly attempt: number;
      readonly plan: string;
      readonly waitMs: number;
      readonly slot?: string | undefined;
      readonly reason?: string;
      readonly counts?: Counts;
    };

/** What is known of a run when its claim did not get as far as its plan. */
export const UNKNOWN_PLAN = 'unknown';
