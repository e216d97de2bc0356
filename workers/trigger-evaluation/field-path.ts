import { instant, type RuleEvent } from './rule-event.ts';

/** Where a value stands: `payload`'s segments, or with `ofEvent` those of the event around it. */
export interface FieldPath {
  readonly segments: readonly string[];
  /** Written `event.…`: meant is the event itself, unless its payload has a field `event`. */
  readonly ofEvent: boolean;
}

/** The path that `field` writes with dots. `payload.a.b` and `a.b` are the same place; `payload` alone is all of it. */
export function fieldPath(field: string): FieldPath {
  const all = field.split('.');
  const segments = all[0] === 'payload' ? all.slice(1) : all;
  return { segments, ofEvent: segments[0] === 'event' && segments.length > 1 };
}

/** The value at `path`; null where there is none. Only what was written into the event is found, never what JavaScript adds. */
export function valueAt(event: RuleEvent, path: FieldPath): unknown {
  if (path.ofEvent && step(event.payload, 'event') === undefined) {
    return walk(eventFields(event), path.segments.slice(1));
  }
  return walk(event.payload, path.segments);
}

/** The event's own fields, by the names of its columns. */
export function eventFields(event: RuleEvent): Readonly<Record<string, unknown>> {
  return {
    event_id: event.id,
    event_type: event.type,
    project: event.project,
    source: event.source,
    payload: event.payload,
    user_id: event.userId,
    session_id: event.sessionId,
    correlation_id: event.correlationId,
    tags: event.tags,
    metadata: event.metadata,
    depth: event.depth,
    at: instant(event.at),
  };
}

function walk(from: unknown, segments: readonly string[]): unknown {
  let value = from;
  for (const segment of segments) {
    value = step(value, segment);
    if (value === undefined || value === null) return null;
  }
  return value ?? null;
}

function step(value: unknown, segment: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return /^\d{1,9}$/.test(segment) ? value[Number(segment)] : undefined;
  return Object.hasOwn(value, segment) ? (value as Record<string, unknown>)[segment] : undefined;
}
