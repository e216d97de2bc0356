import { TenantRegistry } from '../tenant/registry.ts';
import type { Call } from './call.ts';

/** Sees to it that a tenant that was named is there. @throws RaeError `RAE_TENANT_UNKNOWN` */
export async function knownTenant(call: Call, tenant: string | undefined): Promise<void> {
  // The API says so itself.
  if (call.remote !== undefined) return;
  if (tenant !== undefined) await new TenantRegistry(call.connection.as('rae_operator')).show(tenant);
}
