import type { RunRef } from '../ledger/run-ledger.ts';
import type { CataloguedWorker } from './catalogue.ts';
import type { PerformerPorts } from './performer.ts';
import type { Answer } from './statement-performer.ts';

/** What one run of a ticket came to: an answer, or an error of its own. `ms` is the time that it took on the server. */
export type TicketAnswer = { readonly ms: number } & (
  | { readonly answer: Answer }
  | { readonly error: { readonly code: string; readonly message: string } }
);

type Row = { p_results: ({ ms: number } & (Answer | { status: 'failed'; code: string; message: string }))[] };

/**
 * Does the fresh runs of a ticket in one call. Every run is a transaction of its own with its own fence, and one flush
 * of the log serves all of them: the answer comes after the last commit is on disk.
 * @throws what ended the whole call, such as a statement time-out: the runs before it are done, the others untouched.
 */
export async function performTicket(
  ports: PerformerPorts,
  worker: CataloguedWorker,
  settings: unknown,
  refs: readonly RunRef[],
): Promise<readonly TicketAnswer[]> {
  const { definition, performFunction, defaultPolicy, fingerprint } = worker;
  if (performFunction === undefined) throw new TypeError(`${worker.name} has no statement to perform`);
  const values = [
    refs.map(({ runId }) => runId),
    refs.map(({ attempt }) => attempt),
    ports.leaseMs,
    JSON.stringify(defaultPolicy),
    fingerprint,
    JSON.stringify(settings),
    definition.when.servesSuspended,
  ];
  const tenants = refs.map(({ tenantId }) => tenantId);
  const [row] = await ports.steps(() => ports.tenants.callEach<Row>(tenants, performFunction.batch, values));
  return refs.map((_ref, index) => {
    const result = row?.p_results[index];
    if (result === undefined) return { ms: 0, answer: { status: 'lost' } };
    const { ms, ...rest } = result;
    if (rest.status !== 'failed') return { ms, answer: rest };
    return { ms, error: { code: rest.code, message: rest.message } };
  });
}
