import { KeyBook } from '../access/key-book.ts';
import { AuditLog } from '../audit/log.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import { TenantRuns } from '../ledger/tenant-runs.ts';
import { PolicyBook } from '../tenant/policy-book.ts';
import { auditRoutes } from './audit-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import type { Route } from './route.ts';
import { runRoutes } from './run-routes.ts';

/** What the routes are made of. */
export interface RouteParts {
  /** As `rae_api`. */
  readonly tenants: TenantContext;
  readonly catalogue: Catalogue;
}

/** Every route of the API. Adding one is adding it to a file of routes, or such a file here. */
export function routesOf({ tenants, catalogue }: RouteParts): readonly Route[] {
  const schemas = catalogue.all.map(
    ({ name, definition, fingerprint, defaultPolicy }) =>
      [name, { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy }] as const,
  );
  return [
    ...runRoutes(new TenantRuns(tenants), catalogue),
    ...policyRoutes(new PolicyBook(tenants, new Map(schemas))),
    ...keyRoutes(new KeyBook(tenants)),
    ...auditRoutes(new AuditLog(tenants)),
  ];
}
