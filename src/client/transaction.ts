import type { EnqueueOptions, Payloads } from './payloads.ts';

/** As much of a client of `pg` (or of what looks like one) as is needed. */
export interface TransactionClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

const ENQUEUE =
  'select public.rae_enqueue($1, $2::jsonb, $3, coalesce($4::timestamptz, now()), $5::int, $6::timestamptz) as run_id';

/**
 * Asks for a run in the caller's own transaction, which has entered its tenant: the run is there for the fleet exactly
 * when that commits, also while Redis or the API is away. @returns its id
 */
export async function enqueueIn<All = Payloads, Worker extends keyof All & string = keyof All & string>(
  client: TransactionClient,
  worker: Worker,
  payload: All[Worker],
  { idempotencyKey, availableAt, priority = 0, deadline }: EnqueueOptions = {},
): Promise<string> {
  const values = [
    worker,
    JSON.stringify(payload),
    idempotencyKey ?? null,
    availableAt ?? null,
    priority,
    deadline ?? null,
  ];
  const { rows } = await client.query(ENQUEUE, values);
  return (rows[0] as { readonly run_id: string }).run_id;
}
