import type { RuleEvent } from './rule-event.ts';

/** A rule as `rules` gives it. */
export type RuleRow = {
  readonly trigger_id: string;
  readonly version: number;
  readonly since_number: string;
  readonly definition: string;
};

/** An event that waits, as `pending` gives it. */
export type PendingRow = {
  readonly arrival: string;
  readonly event_id: string;
  /** Null = the event was removed before it was consumed. */
  readonly event_type: string | null;
  readonly project: string;
  readonly source: string | null;
  readonly payload: unknown;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly correlation_id: string | null;
  readonly tags: readonly string[] | null;
  readonly metadata: unknown;
  readonly depth: number;
  readonly at: string;
};

/** What `histories` gives. */
export type HistoryRow = {
  readonly trigger_id: string;
  readonly number: string;
  readonly at: string;
  readonly value: number | null;
  readonly is_firing: boolean;
};

/** The event of a row that is there, consumed under `number`. */
export function eventOf(row: Omit<PendingRow, 'arrival'>, number: number): RuleEvent {
  return {
    id: row.event_id,
    type: row.event_type ?? '',
    project: row.project,
    source: row.source,
    payload: row.payload,
    userId: row.user_id,
    sessionId: row.session_id,
    correlationId: row.correlation_id,
    tags: row.tags ?? [],
    metadata: row.metadata,
    depth: row.depth,
    number,
    at: Number(row.at),
  };
}
