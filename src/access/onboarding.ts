import { type Author, enter } from '../audit/log.ts';
import { loadStatements } from '../db/statement.ts';
import type { NewTenant } from '../tenant/new-tenant.ts';
import type { Project, TenantRegistry } from '../tenant/registry.ts';
import type { Tenant } from '../tenant/tenant.ts';
import { tenantIdOf } from './external-id.ts';
import { addKey } from './key-book.ts';

const sql = loadStatements(new URL('./onboarding.sql', import.meta.url), ['addMember', 'beginTenant']);

/** A tenant that was asked for. */
export interface Onboarded {
  readonly tenant: Tenant;
  readonly project: Project;
  /** The key of its first admin, shown this once; undefined where the tenant was there before. */
  readonly apiKey: string | undefined;
  /** False where a tenant of this external id was there before: it is as it was. */
  readonly made: boolean;
}

/**
 * Makes a tenant with all it begins with, in one transaction: project, admin, API key, and what its plan gives it. With an external id it may be
 * called again, also at the same time: one tenant comes of it, and one key.
 * Its plan says which quotas it has, and which budget, policies and rules it begins with.
 * @throws RaeError `RAE_USAGE` for what cannot be.
 */
export async function onboard(
  registry: TenantRegistry,
  input: NewTenant & { readonly externalId?: string | undefined },
  author: Author,
): Promise<Onboarded> {
  const { externalId } = input;
  const tenantId = externalId === undefined ? undefined : tenantIdOf(externalId);
  let apiKey: string | undefined;
  const { tenant, project, made } = await registry.create(input, {
    tenantId,
    externalId,
    author,
    also: async (tx, id) => {
      const address = input.adminEmail;
      if (address !== undefined) await tx.rows(sql.addMember, [id, address, 'tenant_admin']);
      const given = await tx.rows<{ kind: string; name: string }>(sql.beginTenant);
      for (const { kind, name } of given) await enter(tx, author, `${kind}.set`, { name, by: 'plan' });
      apiKey = (await addKey(tx, id, { name: 'first', role: 'tenant_admin' }, author)).text;
    },
  });
  return { tenant, project, apiKey, made };
}
