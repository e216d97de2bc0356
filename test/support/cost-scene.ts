import type { TestDatabase } from './database.ts';

/** Calls for a scene of the worker contract: of three models over two days, one of which has no price until they are there. */
export async function furnishCosts(database: TestDatabase, tenantId: string, otherId: string): Promise<void> {
  for (const id of [tenantId, otherId]) {
    for (let nth = 0; nth < 24; nth += 1) {
      await database.admin(
        `insert into public.cost_logs (tenant_id, id, model, provider, operation, input_tokens, output_tokens, "timestamp")
         values ($1::uuid, md5($1::uuid::text || $2::int)::uuid, $3, 'openai', 'query', 1000, $2::int, $4)`,
        [
          id,
          nth,
          ['gpt-4o', 'gpt-4o-mini', 'newcomer'][nth % 3],
          new Date(Date.UTC(2026, 2, 1, 12 + nth)).toISOString(),
        ],
      );
    }
  }
  await database.admin(
    "insert into public.model_prices (model, input_per_million, output_per_million) values ('newcomer', 1, 2)",
  );
}
