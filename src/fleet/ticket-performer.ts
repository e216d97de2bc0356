import { arrayLiteral } from '../db/array-literal.ts';
import type { Row } from '../db/database.ts';
import type { AdmittedRun } from '../ledger/run-ledger.ts';
import { type Answer, type AnswerRow, answerOf } from './answer.ts';
import type { CataloguedWorker } from './catalogue.ts';
import type { PerformerPorts } from './performer.ts';

/** What one run of a ticket came to: an answer, or an error of its own. `ms` is the time that it took on the server. */
export type TicketAnswer = { readonly ms: number } & (
  | { readonly answer: Answer }
  | { readonly error: { readonly code: string; readonly message: string } }
);

/** A column for each of what a run is answered, and an entry for each run. */
interface Columns extends Row {
  readonly p_statuses: readonly (Answer['status'] | 'failed')[];
  readonly p_plans: readonly AnswerRow['plan'][];
  readonly p_waits: readonly AnswerRow['wait_ms'][];
  readonly p_us: readonly number[];
  readonly p_details: readonly unknown[];
}

/**
 * Does the fresh runs of a ticket in one call. Every run is a transaction of its own with its own fence, and one flush
 * of the log serves all of them: the answer comes after the last commit is on disk.
 * @throws what ended the whole call, such as a statement time-out: the runs before it are done, the others untouched.
 */
export async function performTicket(
  ports: PerformerPorts,
  worker: CataloguedWorker,
  settings: unknown,
  refs: readonly AdmittedRun[],
): Promise<readonly TicketAnswer[]> {
  const { definition, performFunction, defaultPolicy, fingerprint } = worker;
  if (performFunction === undefined) throw new TypeError(`${worker.name} has no statement to perform`);
  const values = [
    arrayLiteral(refs.map(({ runId }) => runId)),
    arrayLiteral(refs.map(({ attempt }) => attempt)),
    arrayLiteral(refs.map(({ epoch }) => epoch)),
    arrayLiteral(refs.map(({ payloadHash }) => payloadHash)),
    ports.leaseMs,
    JSON.stringify(defaultPolicy),
    fingerprint,
    JSON.stringify(settings),
    definition.when.servesSuspended,
  ];
  const tenants = refs.map(({ tenantId }) => tenantId);
  const [row] = await ports.steps(() => ports.tenants.callEach<Columns>(tenants, performFunction.batch, values));
  if (row === undefined) throw new TypeError(`the call for a ticket of ${worker.name} gave no row`);
  return refs.map((_ref, index) => answerAt(row, index));
}

function answerAt(columns: Columns, at: number): TicketAnswer {
  const ms = (columns.p_us[at] ?? 0) / 1_000;
  const status = columns.p_statuses[at] ?? 'lost';
  const detail = columns.p_details[at] ?? null;
  if (status === 'failed') return { ms, error: detail as { code: string; message: string } };
  const answer = answerOf({ status, plan: columns.p_plans[at] ?? null, wait_ms: columns.p_waits[at] ?? null, detail });
  return { ms, answer };
}
