/**
 * Where a run stands. The ledger row is the truth; a ticket in Redis only says that it may be looked at.
 *
 * ```
 *            admit                claim                finish
 *   owed ───────────► queued ───────────► running ───────────► done
 *    ▲ ▲                │ │                 │ │ └─ refuse, too many failures or lapses ─► dead
 *    │ └── ticket lost ─┘ └── skip ───┐     │ └─── skip (tenant suspended, disabled) ──► skipped
 *    └── retry · yield · defer · lapse ─────┘          owed ──► skipped (covered by a newer slot, cancelled)
 *                                                      dead ──► owed    (an operator retries it)
 * ```
 *
 * - `attempt` grows at every claim and never shrinks: every later statement of that claim carries it, and one that
 *   finds another attempt or state changes nothing (the fence).
 * - A run that fits one transaction goes from queued to done in it; `running` is then never seen from outside.
 * - `failures` counts throws, `lapses` counts leases that ran out; each has its own limit, after which a run is dead.
 */
export const RUN_STATES = ['owed', 'queued', 'running', 'done', 'skipped', 'dead'] as const;

export type RunState = (typeof RUN_STATES)[number];

/** The states each state may go to; the ledger's functions make no other move. */
export const TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = Object.freeze({
  owed: ['queued', 'skipped'],
  queued: ['running', 'done', 'owed', 'skipped', 'dead'],
  running: ['done', 'owed', 'skipped', 'dead'],
  done: [],
  skipped: [],
  dead: ['owed'],
});

/** True for a state that a run does not leave by itself. */
export function isFinal(state: RunState): boolean {
  return state === 'done' || state === 'skipped' || state === 'dead';
}
