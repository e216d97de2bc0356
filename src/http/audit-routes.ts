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
    status: 200,
    answer: z.object({
      ok: z.boolean(),
      entries: z.int().describe('how many are right'),
      bad_seq: z.string().nullable(),
      why: z.string().nullable(),
    }),
    run: async ({ principal: { tenantId } }) => {
      const { entries, badSeq, why } = await log.verify(tenantId);
      return { body: { ok: badSeq === undefined, entries, bad_seq: badSeq ?? null, why: why ?? null } };
    },
  });
  return [list, verify];
}
