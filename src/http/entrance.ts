import type { FastifyRequest } from 'fastify';
import { type Caller, type Principal, requirePermission } from '../access/principal.ts';
import type { Author } from '../audit/log.ts';
import { RaeError } from '../kernel/errors.ts';
import { parseTenantId } from '../kernel/ids.ts';
import type { Route } from './route.ts';
import type { ServerParts } from './server-parts.ts';

/**
 * Finds out who asks, and whether they may call the route.
 * @throws RaeError `RAE_UNAUTHENTICATED`, `RAE_FORBIDDEN`; `RAE_USAGE` for headers that cannot be.
 */
export async function letIn(parts: ServerParts, route: Route, request: FastifyRequest): Promise<Caller> {
  const caller = await parts.callerOf(credentialOf(request));
  const said = headerOf(request, 'x-tenant-id');
  if (said !== undefined) await refuseDisagreement(parts, caller, said, request);
  requirePermission(caller, route.permission);
  if ('project' in caller && caller.project !== undefined && !route.projects)
    throw new RaeError('RAE_FORBIDDEN', `this credential is for the project ${JSON.stringify(caller.project)} alone`, {
      hint: 'what is asked for concerns all of the tenant',
    });
  return caller;
}

/** Who asks, as the audit log names them. */
export function authorOf({ actor }: Caller, { id, ip }: FastifyRequest): Author & { readonly requestId: string } {
  return { actor, requestId: id, address: ip };
}

/** @throws RaeError `RAE_USAGE` for a header that came more than once. */
export function headerOf({ headers, raw }: FastifyRequest, name: string): string | undefined {
  const times = raw.rawHeaders.filter((one, at) => at % 2 === 0 && one.toLowerCase() === name).length;
  if (times > 1) throw new RaeError('RAE_USAGE', `the header ${name} was sent ${times} times; expected one`);
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function credentialOf(request: FastifyRequest): string {
  const sent = headerOf(request, 'authorization');
  const [, credential] = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(sent ?? '') ?? [];
  if (credential !== undefined) return credential;
  const what = sent === undefined ? 'no credential was sent' : 'the header authorization has no credential in it';
  throw new RaeError('RAE_UNAUTHENTICATED', what, { hint: 'send an API key: Authorization: Bearer rae_…' });
}

/** The credential says whose request it is. A header that says otherwise is somebody's mistake, or worse. */
async function refuseDisagreement(
  parts: ServerParts,
  caller: Caller,
  said: string,
  request: FastifyRequest,
): Promise<void> {
  const named = parseTenantId(said);
  if (!('tenantId' in caller)) throw new RaeError('RAE_FORBIDDEN', 'an operator acts for no tenant');
  if (named === caller.tenantId) return;
  const why = { why: 'X-Tenant-ID names another tenant', named };
  await parts.refused(caller satisfies Principal, authorOf(caller, request), 'access.refused', why);
  throw new RaeError('RAE_FORBIDDEN', 'X-Tenant-ID names another tenant than the credential');
}
