/** Tenants with as many owed runs of a worker each, that may all be done by as many places at once and as fast. */
export interface Demand {
  readonly worker: string;
  readonly dedicated: boolean;
  readonly tenants: number;
  /** Of each of them: runs that wait for their turn or for a place, and for nothing else. */
  readonly runs: number;
  /** How many runs of each may be at work at once. */
  readonly lanes: number;
  /** How many of each may be admitted in a second; null = as many as there are. */
  readonly rate: number | null;
  /** How many of those at once after a rest. */
  readonly burst: number | null;
}

/** How many processes would be right for a worker, and for which kind of queues. */
export interface ReplicasWanted {
  readonly worker: string;
  readonly queueKind: 'shared' | 'dedicated';
  /** Not rounded, so that the kinds may be added up. */
  readonly value: number;
}
