import { z } from 'zod';
import type { AuditLog } from '../audit/log.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { type Route, route } from './route.ts';

const ENTRY = z.object({
  seq: z.string(),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
});

/** A tenant's audit log. */
export function auditRoutes(log: AuditLog): readonly Route[] {
  const list = route({
    method: 'GET',
    path: '/v1/audit',
    does: 'Lists the audit log, the newest entry first.',
    permission: 'audit:read',
    query: z.strictObject(PAGE),
    status: 200,
    answer: z.object({ entries: z.array(ENTRY), next: z.string().nullable() }),
    run: async ({ principal: { tenantId }, query: { limit, cursor } }) => {
      const [before] = placeOf(tenantId, cursor, [z.string().regex(/^\d{1,18}$/)]);
      const found = await log.list(tenantId, before, limit + 1);
      const entries = found.slice(0, limit);
      const last = found.length > limit ? entries.at(-1) : undefined;
      return { body: { entries, next: last === undefined ? null : cursorOf(tenantId, [String(last.seq)]) } };
    },
  });
  const verify = route({
    method: 'GET',
    path: '/v1/audit/verify',
    does: 'Looks through the audit log, and names the first entry that was changed, moved or removed.',
    permission: 'audit:read',
    query: z.strictObject({
      head: z.string().max(400).optional().describe('one that /v1/audit/head gave: the log must still go through it'),
    }),
    status: 200,
    answer: z.object({
      ok: z.boolean(),
      entries: z.int().describe('how many are right'),
      bad_seq: z.string().nullable(),
      why: z.string().nullable(),
    }),
    run: async ({ principal: { tenantId }, query: { head } }) => {
      const { entries, badSeq, why } = await log.verify(tenantId, head);
      return { body: { ok: badSeq === undefined, entries, bad_seq: badSeq ?? null, why: why ?? null } };
    },
  });
  const head = route({
    method: 'GET',
    path: '/v1/audit/head',
    does: 'Gives the end of the audit log as one signed line; kept elsewhere, it tells later of a log that was written anew.',
    permission: 'audit:read',
    status: 200,
    answer: z.object({
      head: z.object({ seq: z.string(), at: z.iso.datetime(), head: z.string() }).nullable(),
    }),
    run: async ({ principal: { tenantId } }) => ({ body: { head: (await log.head(tenantId)) ?? null } }),
  });
  return [list, verify, head];
}
