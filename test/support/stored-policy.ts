import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import type { TestDatabase } from './database.ts';

/** Stores a policy as the policy book does after it was checked, though it makes the worker's effect fail. */
export async function storeFailingPolicy(database: TestDatabase, worker: CataloguedWorker, tenantId: string) {
  await database.admin(
    `insert into public.policies (tenant_id, worker, document, effective, checked)
     values ($1, $2, '{}', $3, $4 || md5('{}'::jsonb::text))`,
    [tenantId, worker.name, JSON.stringify({ ...worker.defaultPolicy, rate: 'much' }), worker.fingerprint],
  );
}
