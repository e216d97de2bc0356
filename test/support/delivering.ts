import { MasterKeys } from '../../src/secrets/master-keys.ts';
import { SecretBook } from '../../src/secrets/secret-book.ts';
import { loadCatalogue } from '../../workers/index.ts';
import type { TestDatabase } from './database.ts';
import { executorOn } from './executor.ts';
import { addRun, admittedRun, type RunRow, readRun } from './runs.ts';

export const MASTER_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;

/** What a run of delivery is given besides its tenant. */
export interface DeliveryScene {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly allow?: string | undefined;
  readonly mailUrl?: string;
  readonly draining?: () => boolean;
  readonly abort?: AbortSignal;
}

export interface MessageRow extends Record<string, unknown> {
  readonly message_id: string;
  readonly endpoint: string;
  readonly state: string;
  readonly attempts: number;
  readonly refusals: number;
  readonly last_error: string | null;
  readonly reason: string | null;
  readonly next_attempt_at: Date;
  readonly ended_at: Date | null;
}

/** The secrets of tenants, as whoever sets them has them. */
export function secretsOf(database: TestDatabase): SecretBook {
  return new SecretBook(database.tenants('rae_api'), new MasterKeys(MASTER_KEYS));
}

/** Sends a message as an API server does, and gives its id. */
export async function sendMessage(
  database: TestDatabase,
  tenantId: string,
  channel: Readonly<Record<string, unknown>>,
  data: Readonly<Record<string, unknown>> = {},
  type = 'rule.fired',
): Promise<string> {
  const [row] = await database.admin<{ id: string }>(
    `insert into public.messages (tenant_id, channel, type, data) values ($1, $2, $3, $4) returning message_id as id`,
    [tenantId, JSON.stringify(channel), type, JSON.stringify(data)],
  );
  return row?.id ?? '';
}

/** Performs one run of delivery for a tenant as a worker process does, and gives what the ledger says then. */
export async function deliver(
  database: TestDatabase,
  tenantId: string,
  { settings, allow = '127.0.0.0/8', mailUrl, ...process }: DeliveryScene = {},
): Promise<RunRow> {
  const worker = (await loadCatalogue()).get('delivery');
  const runId = await addRun(database, tenantId, { worker: 'delivery' });
  const tenants = database.tenants();
  const secrets = new SecretBook(tenants, new MasterKeys(MASTER_KEYS));
  const parsed = worker.definition.contract.settings.parse(settings ?? {});
  const executor = executorOn(tenants, {
    settings: new Map([['delivery', parsed]]),
    outside: { mailUrl, allow },
    secret: (tenant, name) => secrets.values(tenant, name),
    ...process,
  });
  await executor.execute(worker, await admittedRun(database, runId));
  return readRun(database, runId);
}

/** A message as it stands now. */
export async function readMessage(database: TestDatabase, messageId: string): Promise<MessageRow> {
  const [row] = await database.admin<MessageRow>('select * from public.messages where message_id = $1', [messageId]);
  if (row === undefined) throw new Error(`there is no message ${messageId}`);
  return row;
}

/** Makes it as if all waiting of a tenant's messages and endpoints were over. */
export async function letTimePass(database: TestDatabase, tenantId: string): Promise<void> {
  await database.admin('update public.messages set next_attempt_at = now() where tenant_id = $1', [tenantId]);
  await database.admin(
    'update public.message_endpoints set open_until = now() where tenant_id = $1 and open_until is not null',
    [tenantId],
  );
}

/** Messages for a scene of the worker contract: they are not let out, and so come to the same end wherever that is. */
export async function furnishMessages(database: TestDatabase, tenantId: string, otherId: string): Promise<void> {
  for (const [at, id] of [tenantId, otherId].entries()) {
    await database.admin(
      `insert into public.messages (tenant_id, message_id, channel, type, created_at)
       select $1, ('20000000-0000-4000-8000-00000000000' || n)::uuid, '{"type": "webhook", "url": "https://10.0.0.1/"}', 'rule.fired', $3
         from generate_series($2::int, $2::int + 1) n`,
      [id, 2 * at, '2026-03-04T10:00:00Z'],
    );
  }
}
