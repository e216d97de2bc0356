/**
 * Why owed runs are not admitted: the closed list. Codes are stable: records, `rae run why`, metrics and queue lists
 * name them. Owed runs that none of these holds are eligible: they wait for their turn only.
 */
export const HOLD_REASONS = Object.freeze({
  paused: 'an operator has paused it: its tenant, its worker or its queue',
  maintenance_window: 'its tenant has windows in which runs may begin, and none of them is open',
  blackout: 'its tenant has a time in which no run begins, and it is that time',
  cap: 'its tenant has as many runs admitted as it may execute at once',
  worker_cap: 'as many of its tenant and worker are admitted as an operator allows',
  total_cap: 'as many of its worker are admitted as an operator allows',
  rate: 'its tenant has used up its rate of this worker; more of it comes with time',
  in_turn: 'earlier runs of its tenant and worker are admitted, and those go one after another',
  window: 'as much is admitted to its queue as may wait there',
  no_consumer: 'no process takes work of this worker',
  retry_time: 'its last attempt failed, and the time of the next has not come',
  not_before: 'it was asked for a later time',
});

export type HoldReason = keyof typeof HOLD_REASONS;
