/** What a run changed, by name: `{ decayed: 120 }`. Whole numbers. */
export type Counts = Readonly<Record<string, number>>;

/**
 * How a run ends; throwing instead means "try again later".
 * - done: the work is finished; says what it changed.
 * - yielded: stopped at a step to make room; progress is kept, the run is owed again at once.
 * - deferred: cannot be done yet; owed again after `afterMs`.
 * - refused: must not be done; the run is dead, with the reason, and is not tried again by itself.
 */
export type Outcome =
  | { readonly kind: 'done'; readonly counts: Counts; readonly idle: boolean }
  | { readonly kind: 'yielded' }
  | { readonly kind: 'deferred'; readonly afterMs: number; readonly because: string }
  | { readonly kind: 'refused'; readonly because: string };

const made = new WeakSet<object>();

function outcome(value: Outcome): Outcome {
  made.add(value);
  return Object.freeze(value);
}

/** True for what `done`, `yielded`, `deferred` and `refused` made, and for nothing that merely looks like it. */
export function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && made.has(value);
}

/**
 * The work is finished. `idle` says that the tenant has nothing more for this worker until a hint arrives, so that
 * later cycles can pass it over (default false: it is due again at its next slot).
 */
export function done(counts: Counts, options: { readonly idle?: boolean } = {}): Outcome {
  return outcome({ kind: 'done', counts, idle: options.idle ?? false });
}

/** Stopped early at a step boundary; what is left is owed again at once. */
export function yielded(): Outcome {
  return outcome({ kind: 'yielded' });
}

/** Not possible yet; owed again after `afterMs` milliseconds. */
export function deferred(afterMs: number, because: string): Outcome {
  return outcome({ kind: 'deferred', afterMs, because });
}

/** Not to be done at all; the run becomes dead with this reason. */
export function refused(because: string): Outcome {
  return outcome({ kind: 'refused', because });
}
