import { z } from 'zod';
import { RaeError } from '../kernel/errors.ts';
import type { SecretBook, SecretVersion } from '../secrets/secret-book.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { type Route, route } from './route.ts';

const NAME = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'expected 1 to 63 of a-z, 0-9, . _ and -');
const MOST_SECONDS = 30 * 24 * 3_600;
const VERSION = z.object({
  name: z.string(),
  version: z.int(),
  created_at: z.iso.datetime(),
  valid_until: z.iso.datetime().nullable().describe('null: until a newer one takes its place'),
});

/** Secrets of a tenant: sealed and listed here, never shown. */
export function secretRoutes(secrets: SecretBook): readonly Route[] {
  const list = route({
    method: 'GET',
    path: '/v1/secrets',
    does: 'Lists the secrets that are valid, without their values.',
    permission: 'secrets:manage',
    query: z.strictObject(PAGE),
    status: 200,
    answer: z.object({ secrets: z.array(VERSION), next: z.string().nullable() }),
    run: async ({ principal: { tenantId }, query: { limit, cursor } }) => {
      const [name, version] = placeOf(tenantId, cursor, [NAME, z.string().regex(/^\d{1,9}$/)]);
      const all = await secrets.list(tenantId);
      const at = all.findIndex((one) => one.name === name && String(one.version) === version);
      const page = all.slice(at + 1, at + 1 + limit);
      const last = at + 1 + limit < all.length ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursorOf(tenantId, [last.name, String(last.version)]);
      return { body: { secrets: page.map(told), next } };
    },
  });
  const put = route({
    method: 'PUT',
    path: '/v1/secrets/{name}',
    does: 'Seals a value as the newest version of a secret. With If-Match: * only one that is there already gets it.',
    permission: 'secrets:manage',
    params: z.strictObject({ name: NAME }),
    body: z.strictObject({
      value: z.string().min(1).max(8_192),
      keep_seconds: z
        .int()
        .min(0)
        .max(MOST_SECONDS)
        .default(0)
        .describe('how long the versions before it stay valid beside it'),
    }),
    headers: { 'If-Match': '* for a secret that is to be there already' },
    status: 200,
    answer: VERSION,
    run: async ({ principal: { tenantId }, author, params: { name }, body, header }) => {
      const { value, keep_seconds: keepSeconds } = body;
      const match = header('if-match');
      if (match !== undefined && match !== '*')
        throw new RaeError('RAE_USAGE', 'If-Match is not *: secrets have no other ETag');
      const how = match === undefined ? 'set' : 'rotate';
      return { body: told(await secrets[how](tenantId, name, value, keepSeconds, author)) };
    },
  });
  return [list, put];
}

function told({ name, version, created_at, valid_until }: SecretVersion) {
  return { name, version, created_at, valid_until };
}
