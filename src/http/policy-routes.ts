import { z } from 'zod';
import { RaeError } from '../kernel/errors.ts';
import type { PolicyBook, TenantPolicy } from '../tenant/policy-book.ts';
import { type Route, route } from './route.ts';

const PARAMS = z.strictObject({ worker: z.string().min(1).max(100) });
const POLICY = z.object({
  worker: z.string(),
  version: z.int(),
  document: z.record(z.string(), z.unknown()),
  effective: z.record(z.string(), z.unknown()).nullable(),
  mistakes: z.array(z.string()),
});

/** What a tenant tunes about the workers. Whoever changes a policy says which version they have seen. */
export function policyRoutes(policies: PolicyBook): readonly Route[] {
  const get = route({
    method: 'GET',
    path: '/v1/policies/{worker}',
    does: 'Shows the policy for a worker: what was set, and what holds. Its ETag is its version.',
    permission: 'policies:read',
    params: PARAMS,
    status: 200,
    answer: POLICY,
    run: async ({ principal, params: { worker } }) => shown(worker, await policies.get(principal.tenantId, worker)),
  });
  const put = route({
    method: 'PUT',
    path: '/v1/policies/{worker}',
    does: 'Replaces the policy for a worker; fields that are left out have their default.',
    permission: 'policies:write',
    params: PARAMS,
    body: z.record(z.string(), z.unknown()),
    headers: { 'If-Match': 'the ETag of the policy as it was read, or * for any' },
    status: 200,
    answer: POLICY,
    run: async ({ principal, author, params: { worker }, body, header }) => {
      const expectVersion = versionOf(header('if-match'));
      const before = await policies.get(principal.tenantId, worker);
      const stale = expectVersion !== undefined && expectVersion !== before.version;
      if (stale) throw changedSince(before.version);
      const change = await policies.set(principal.tenantId, worker, body, { expectVersion, author });
      return shown(worker, change.policy);
    },
  });
  return [get, put];
}

function shown(worker: string, { version, document, effective, mistakes }: TenantPolicy) {
  return {
    headers: { etag: `"${version}"` },
    body: { worker, version, document, effective: effective ?? null, mistakes },
  };
}

/** @throws RaeError `RAE_PRECONDITION_MISSING`; `RAE_USAGE` for what is no ETag of a policy. */
function versionOf(given: string | undefined): number | undefined {
  if (given === undefined)
    throw new RaeError('RAE_PRECONDITION_MISSING', 'If-Match is missing', {
      hint: 'send the ETag of the policy as you read it, or *',
    });
  if (given === '*') return undefined;
  const [, version] = /^"(\d{1,9})"$/.exec(given) ?? [];
  if (version !== undefined) return Number(version);
  throw new RaeError('RAE_USAGE', 'If-Match is no ETag of a policy; expected such as "3", or *');
}

function changedSince(version: number): RaeError {
  return new RaeError('RAE_CONFLICT', `the policy is at version ${version}: somebody has changed it meanwhile`, {
    hint: 'read it again',
  });
}
