import { randomUUID } from 'node:crypto';
import type { AdmittedRun } from '../../src/ledger/run-ledger.ts';
import type { TestDatabase } from './database.ts';

/** A run as it stands in the ledger. Times are left out where no test looks at them. */
export interface RunRow extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly run_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly payload_hash: Buffer | null;
  readonly failures: number;
  readonly lapses: number;
  readonly reason: string | null;
  readonly error: string | null;
  readonly counts: Record<string, number> | null;
  readonly progress: unknown;
  readonly available_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly lease_until: Date | null;
}

/** Columns of a run by name; a column left out has the schema's default, the worker is decay and the state queued. */
export type RunColumns = Readonly<Record<string, unknown>>;

/** Writes a run into the ledger as if everything before it had happened, and gives its id. */
export async function addRun(database: TestDatabase, tenantId: string, columns: RunColumns = {}): Promise<string> {
  const runId = randomUUID();
  const origin = columns.slot === undefined ? 'request' : 'slot';
  const row = {
    tenant_id: tenantId,
    run_id: runId,
    worker: 'decay',
    origin,
    state: 'queued',
    ...endOf(columns),
    ...columns,
  };
  const names = Object.keys(row);
  const places = names.map((_name, index) => `$${index + 1}`);
  const values = Object.values(row).map((value) => (isPlain(value) ? JSON.stringify(value) : value));
  await database.admin(`insert into public.runs (${names.join(', ')}) values (${places.join(', ')})`, values);
  if (row.state === 'queued' || row.state === 'running') {
    await database.admin('insert into public.flights (tenants, runs) values (array[$1::uuid], array[$2::uuid])', [
      tenantId,
      runId,
    ]);
  }
  return runId;
}

/** What every run has that has come to its end. */
function endOf({ state }: RunColumns): RunColumns {
  if (state === 'dead') return { finished_at: new Date(), error: 'it failed too often' };
  return state === 'done' || state === 'skipped' ? { finished_at: new Date() } : {};
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !Array.isArray(value);
}

/** The run as a ticket names it that is made now. */
export async function admittedRun(database: TestDatabase, runId: string): Promise<AdmittedRun> {
  const { tenant_id: tenantId, attempt, epoch, payload_hash: hash } = await readRun(database, runId);
  return { tenantId, runId, attempt, epoch, payloadHash: hash?.toString('hex') ?? null };
}

/** The run as the ledger has it now. */
export async function readRun(database: TestDatabase, runId: string): Promise<RunRow> {
  const [row] = await database.admin<RunRow>('select * from public.runs where run_id = $1', [runId]);
  if (row === undefined) throw new Error(`there is no run ${runId}`);
  return row;
}
