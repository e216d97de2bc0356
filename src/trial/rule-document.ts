import type { StoredRule } from '../tenant/rule-book.ts';

/** A stored rule as its author would write it. */
export function documentOf(stored: StoredRule): Readonly<Record<string, unknown>> {
  return Object.fromEntries(DOCUMENT.map((column) => [column, stored[column]]));
}

const DOCUMENT = [
  'rule_name',
  'description',
  'project',
  'event_types',
  'condition_group',
  'time_window_seconds',
  'aggregate',
  'cooldown_seconds',
  'max_executions_per_hour',
  'actions',
  'stop_on_failure',
  'priority',
  'is_enabled',
  'template_id',
  'tags',
  'metadata',
  'created_by',
] as const;
