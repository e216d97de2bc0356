/**
 * The message that opens a transaction inside a tenant, as one round trip. The id is spliced, not bound, since a
 * message of two statements takes no values: callers pass only ids that `isUuid` has accepted (hex digits and hyphens).
 */
export function enteringTenant(tenantId: string): string {
  return `begin; select public.rae_enter_tenant('${tenantId}')`;
}
