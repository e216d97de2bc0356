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

/** Adds as many tenants at once. @returns their ids */
export async function addTenants(database: TestDatabase, count: number): Promise<readonly string[]> {
  const rows = await database.admin<{ id: string }>(
    `insert into public.tenants (name, plan) select 'tenant ' || n, 'pro' from generate_series(1, $1::int) n returning tenant_id as id`,
    [count],
  );
  return rows.map(({ id }) => id);
}
