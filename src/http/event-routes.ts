import { z } from 'zod';
import { faultOfEventType } from '../../workers/trigger-evaluation/event-type.ts';
import type { EventBook } from '../tenant/event-book.ts';
import { idOfRequest } from './idempotent-id.ts';
import { PROJECT, projectOf } from './project.ts';
import { type Route, route } from './route.ts';

const TYPE = z
  .string()
  .max(200)
  .check((context) => {
    const message = faultOfEventType(context.value);
    if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value });
  });
const NAME = z.string().max(255).optional();
const EVENT = z.strictObject({
  event_type: TYPE,
  payload: z.record(z.string(), z.unknown()).default({}),
  project: PROJECT.optional(),
  source: z.string().min(1).max(100).default('api'),
  correlation_id: NAME,
  user_id: NAME,
  session_id: NAME,
  tags: z.array(z.string().max(255)).max(100).default([]),
});

/** What happened at a tenant. */
export function eventRoutes(events: EventBook): readonly Route[] {
  const emit = route({
    method: 'POST',
    path: '/v1/events',
    does: 'Says that something happened; the rules of the tenant are asked about it.',
    permission: 'events:write',
    projects: true,
    body: EVENT,
    status: 202,
    answer: z.object({ event_id: z.uuid() }),
    run: async ({ principal, body: { project, ...event }, header }) => {
      const { tenantId } = principal;
      const id = idOfRequest(tenantId, 'event', header('idempotency-key'));
      await events.emit(tenantId, id, { ...event, project: projectOf(principal, project) ?? 'default' });
      return { body: { event_id: id } };
    },
  });
  return [emit];
}
