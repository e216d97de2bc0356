import { z } from 'zod';
import { faultOfEventType } from '../../workers/trigger-evaluation/event-type.ts';
import { eventOf } from '../../workers/trigger-evaluation/rows.ts';
import type { RuleEvent } from '../../workers/trigger-evaluation/rule-event.ts';
import { RaeError } from '../kernel/errors.ts';
import type { RecordedEvent, RuleBook } from '../tenant/rule-book.ts';

const text = z.string().max(255).nullable().default(null);

const written = z.strictObject({
  event_id: z.string().default('00000000-0000-4000-8000-000000000000'),
  event_type: z.string().superRefine((type, context) => {
    const message = faultOfEventType(type);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  }),
  tenant_id: z.string().optional(),
  project: z.string().min(1).max(255).default('default'),
  source: text,
  payload: z.record(z.string(), z.unknown()).default({}),
  user_id: text,
  session_id: text,
  correlation_id: text,
  tags: z.array(z.string()).default([]),
  metadata: z.record(z.string(), z.unknown()).default({}),
  depth: z.int().min(0).default(0),
  created_at: z.iso.datetime({ offset: true }).optional(),
});

/** An event to try a rule on. */
export interface TriedEvent {
  readonly event: RuleEvent;
  /** Under which it was consumed; null = no rule was asked about it yet. */
  readonly number: string | null;
}

/** The event of this id. @throws RaeError `RAE_NOT_FOUND` */
export async function recordedEvent(book: RuleBook, tenant: string, id: string): Promise<TriedEvent> {
  const recorded = await book.event(tenant, id);
  return { event: ruleEvent(recorded), number: recorded.number };
}

/** An event as somebody wrote it. @throws RaeError `RAE_USAGE` with every mistake */
export function writtenEvent(given: unknown, now: Date): TriedEvent {
  const read = written.safeParse(given);
  if (!read.success) throw new RaeError('RAE_USAGE', `this is no event: ${z.prettifyError(read.error)}`);
  const { created_at: createdAt, tenant_id: _tenant, ...fields } = read.data;
  const at = createdAt === undefined ? now.getTime() : Math.min(new Date(createdAt).getTime(), now.getTime());
  return { event: eventOf({ ...fields, at: String(at * 1_000) }, Number.MAX_SAFE_INTEGER), number: null };
}

/** A recorded event as rules see it. */
export function ruleEvent(recorded: RecordedEvent): RuleEvent {
  return eventOf(recorded, recorded.number === null ? Number.MAX_SAFE_INTEGER : Number(recorded.number));
}
