import { PolicyBook, type PolicySchema } from '../tenant/policy-book.ts';
import type { Call } from './call.ts';
import { RemotePolicies } from './remote-tenant.ts';

/** The policies of all tenants, as an API server reaches them. */
export async function policiesOf(call: Call): Promise<Pick<PolicyBook, 'get' | 'set' | 'patch'>> {
  if (call.remote !== undefined) return new RemotePolicies(call.remote);
  const catalogue = await call.catalogue;
  const schemas = catalogue.all.map(({ name, definition, fingerprint, defaultPolicy }): [string, PolicySchema] => [
    name,
    { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy },
  ]);
  return new PolicyBook(call.connection.tenants, new Map(schemas));
}
