import { z } from 'zod';
import { MESSAGE_STATES, type MessageBook } from '../tenant/message-book.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { type Route, route } from './route.ts';

const INSTANT = z.iso.datetime().nullable();
const MESSAGE = z.object({
  message_id: z.uuid(),
  type: z.string(),
  endpoint: z.string().describe('the host of a URL and what tells it from others of that host, or email'),
  state: z.enum(MESSAGE_STATES),
  attempts: z.int(),
  created_at: z.iso.datetime(),
  next_attempt_at: INSTANT,
  ended_at: INSTANT,
  last_error: z.string().nullable(),
  reason: z.string().nullable().describe('why it is dead'),
});

/** Outgoing messages of a tenant: what became of them, and sending them again. */
export function messageRoutes(messages: MessageBook): readonly Route[] {
  const list = route({
    method: 'GET',
    path: '/v1/messages',
    does: 'Lists outgoing messages, the newest first, and what became of each; never what they say.',
    permission: 'messages:read',
    query: z.strictObject({
      ...PAGE,
      state: z.enum(MESSAGE_STATES).optional(),
      before: GIVEN_INSTANT.optional().describe('only messages made before then'),
    }),
    status: 200,
    answer: z.object({ messages: z.array(MESSAGE), next: z.string().nullable() }),
    run: async ({ principal: { tenantId }, query: { limit, cursor, state, before } }) => {
      const place = placeOf(tenantId, cursor, [GIVEN_INSTANT, z.uuid()]);
      const after = place.length === 2 ? ([place[0] ?? '', place[1] ?? ''] as const) : behind(before);
      const found = await messages.page(tenantId, { state, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursorOf(tenantId, [last.made, last.message_id]);
      return { body: { messages: page.map(({ made: _made, ...message }) => message), next } };
    },
  });
  const retry = route({
    method: 'POST',
    path: '/v1/messages/{message_id}:retry',
    does: 'Has a message sent again that is dead, or now if it waits; its time and its tries begin anew.',
    permission: 'messages:write',
    params: z.strictObject({ message_id: z.uuid() }),
    status: 202,
    answer: z.object({ retried: z.int() }),
    run: async ({ principal, author, params }) => {
      await messages.retry(principal.tenantId, params.message_id, author);
      return { body: { retried: 1 } };
    },
  });
  const retryDead = route({
    method: 'POST',
    path: '/v1/messages:retry',
    does: 'Has every dead message sent again.',
    permission: 'messages:write',
    status: 202,
    answer: z.object({ retried: z.int() }),
    run: async ({ principal, author }) => ({ body: { retried: await messages.retryDead(principal.tenantId, author) } }),
  });
  return [list, retry, retryDead];
}

/** All that were made before an instant are behind the last id of it. */
function behind(before: string | undefined): readonly [string, string] | undefined {
  return before === undefined ? undefined : [before, 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
}
