import { z } from 'zod';
import { RaeError } from '../kernel/errors.ts';

/** The query of every list. */
export const PAGE = {
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'expected a whole number from 1 to 999')
    .transform(Number)
    .default(50)
    .describe('how many at most'),
  cursor: z.string().max(500).optional().describe('`next` of the page before'),
};

/** Stands in cursors in place of a tenant: lists of operators belong to none. */
export const FLEET = 'fleet';

/** The place behind the last one of a page, bound to its tenant. */
export function cursorOf(tenantId: string, place: readonly string[]): string {
  return Buffer.from(JSON.stringify([tenantId, ...place])).toString('base64url');
}

/** @throws RaeError `RAE_USAGE` for one that no page of this tenant has given. */
export function placeOf(
  tenantId: string,
  cursor: string | undefined,
  parts: readonly z.ZodType<string>[],
): readonly string[] {
  if (cursor === undefined) return [];
  try {
    const [owner, ...place]: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const fits = place.length === parts.length && place.every((one, at) => parts[at]?.safeParse(one).success === true);
    if (owner === tenantId && fits) return place as string[];
  } catch {
    // Said below, like any other text that is no cursor.
  }
  throw new RaeError('RAE_USAGE', 'the cursor is not one of this list', {
    hint: 'use `next` of the page before as it is',
  });
}
