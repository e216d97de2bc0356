import { nearest } from '../../src/kernel/nearest.ts';

/** The types that are known by name; besides them `custom.*`. As the database has them (`rae_event_types`). */
export const EVENT_TYPES = [
  'memory_created',
  'memory_updated',
  'memory_deleted',
  'memory_accessed',
  'reflection_generated',
  'semantic_node_created',
  'semantic_node_degraded',
  'search_executed',
  'query_analyzed',
  'agent_interaction',
  'drift_detected',
  'quality_degraded',
  'threshold_exceeded',
  'schedule_triggered',
  'budget_warning',
  'budget_exceeded',
  'decay_completed',
] as const;

/** All types that a tenant names itself, in a rule. */
export const ANY_CUSTOM = 'custom.*';

const CUSTOM = /^custom\.[a-z0-9][a-z0-9_.-]{0,99}$/;

/** Why no event can be of this type; undefined for one that can. */
export function faultOfEventType(type: string): string | undefined {
  if ((EVENT_TYPES as readonly string[]).includes(type) || CUSTOM.test(type)) return undefined;
  const near = nearest(type, EVENT_TYPES);
  const meant =
    near === undefined ? `expected custom.<name> or one of ${EVENT_TYPES.join(', ')}` : `did you mean ${near}?`;
  return `there is no event type ${JSON.stringify(type)}; ${meant}`;
}
