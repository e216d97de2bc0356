/**
 * The message that opens a transaction inside a tenant, as one round trip. The id is spliced, not bound, since a
 * message of two statements takes no values: callers pass only ids that `isUuid` has accepted (hex digits and hyphens).
 * @param snapshot true for one that reads only, and all of it as of one instant.
 */
export function enteringTenant(tenantId: string, snapshot = false): string {
  const begin = snapshot ? 'begin isolation level repeatable read read only' : 'begin';
  return `${begin}; select public.rae_enter_tenant('${tenantId}')`;
}
