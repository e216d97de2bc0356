import { randomUUID } from 'node:crypto';
import type { TestDatabase } from './database.ts';

/** What a new tenant is; the rest are the schema's defaults. */
export interface TenantOptions {
  readonly plan?: 'free' | 'pro' | 'enterprise';
  readonly status?: 'active' | 'suspended' | 'deleted';
}

/** Registers a tenant and gives its id. */
export async function addTenant(database: TestDatabase, options: TenantOptions = {}): Promise<string> {
  const { plan = 'free', status = 'active' } = options;
  const tenantId = randomUUID();
  await database.admin('insert into public.tenants (tenant_id, name, plan, status) values ($1, $2, $3, $4)', [
    tenantId,
    `tenant ${tenantId.slice(0, 8)}`,
    plan,
    status,
  ]);
  return tenantId;
}
