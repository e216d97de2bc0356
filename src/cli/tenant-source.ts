import { TenantRegistry } from '../tenant/registry.ts';
import type { Call } from './call.ts';
import { RemoteTenants, type Tenants } from './remote-tenants.ts';

/** All tenants, as operators see and change them. */
export function tenantsOf(call: Call): Tenants {
  return call.remote === undefined
    ? new TenantRegistry(call.connection.as('rae_operator'))
    : new RemoteTenants(call.remote);
}
