import { z } from 'zod';
import type { KeyBook } from '../access/key-book.ts';
import { TENANT_ROLES } from '../access/role.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { type Route, route } from './route.ts';

const INSTANT = z.iso.datetime().nullable();

/** API keys of a tenant. */
export function keyRoutes(keys: KeyBook): readonly Route[] {
  return [listed(keys), made(keys), revoked(keys)];
}

const listed = (keys: KeyBook) =>
  route({
    method: 'GET',
    path: '/v1/keys',
    does: 'Lists the API keys, without what they are.',
    permission: 'keys:manage',
    status: 200,
    answer: z.object({
      keys: z.array(
        z.object({
          key_id: z.string(),
          name: z.string(),
          role: z.enum(TENANT_ROLES),
          scopes: z.array(z.string()).nullable(),
          project: z.string().nullable(),
          created_by: z.string(),
          created_at: z.iso.datetime(),
          expires_at: INSTANT,
          revoked_at: INSTANT,
          last_used_at: INSTANT,
        }),
      ),
    }),
    run: async ({ principal }) => ({ body: { keys: await keys.list(principal.tenantId, false) } }),
  });

const made = (keys: KeyBook) =>
  route({
    method: 'POST',
    path: '/v1/keys',
    does: 'Makes an API key, which is shown this once; it may no more than the one that makes it.',
    permission: 'keys:manage',
    projects: true,
    body: z.strictObject({
      name: z.string().min(1).max(100),
      role: z.enum(TENANT_ROLES),
      scopes: z.array(z.string().max(50)).max(50).optional(),
      project: z.string().min(1).max(255).optional(),
      expires_at: GIVEN_INSTANT.optional(),
    }),
    status: 201,
    answer: z.object({
      key_id: z.string(),
      api_key: z.string().nullable().describe('null where the answer is given again by its idempotency key'),
    }),
    run: async ({ principal, author, body }) => {
      const { expires_at: expires, ...rest } = body;
      const key = { ...rest, expiresAt: expires === undefined ? undefined : new Date(expires) };
      const { keyId, text } = await keys.create(principal.tenantId, key, author, principal);
      // Shown once: whoever sends the request again is told which key it made, and not the key.
      return { body: { key_id: keyId, api_key: text }, kept: { key_id: keyId, api_key: null } };
    },
  });

const revoked = (keys: KeyBook) =>
  route({
    method: 'DELETE',
    path: '/v1/keys/{key_id}',
    does: 'Revokes an API key: it is refused from the next request on.',
    permission: 'keys:manage',
    params: z.strictObject({
      key_id: z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 of 0-9 and a-f, as rae key list shows it'),
    }),
    status: 200,
    answer: z.object({ key_id: z.string(), revoked: z.literal(true) }),
    run: async ({ principal, author, params: { key_id } }) => {
      await keys.revoke(principal.tenantId, key_id, author);
      return { body: { key_id, revoked: true } };
    },
  });
