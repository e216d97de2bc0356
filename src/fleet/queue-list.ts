import { parseQueue, sharedQueue } from '../../queues/names.ts';
import { queueFor } from '../../queues/topology.ts';
import type { RunBook } from '../ledger/run-book.ts';

/** What Redis says of a queue: tickets, and processes that take them. */
export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
  readonly consumers: number;
}

/** What the ledger says of a queue. */
export interface QueueRow {
  readonly queue: string;
  readonly worker: string;
  readonly kind: 'shared' | 'dedicated';
  /** Owed runs that may start now, and that are held, by reason: from the ledger and what the dispatcher recorded. */
  readonly eligible: number;
  readonly held: Readonly<Record<string, number>>;
  /** Admitted runs that no worker has claimed, and that one has: from the ledger. */
  readonly queued: number;
  readonly running: number;
}

type Count = Pick<QueueRow, 'eligible' | 'held' | 'queued' | 'running'>;

const NOTHING: Count = Object.freeze({ eligible: 0, held: Object.freeze({}), queued: 0, running: 0 });

/** Every shared queue, and each dedicated one with work. @param otherwise shared partitions where no scheduler has started yet */
export async function queueList(
  book: RunBook,
  workers: readonly string[],
  otherwise: number,
): Promise<readonly QueueRow[]> {
  const partitions = (await book.partitions()) ?? otherwise;
  const counts = new Map<string, Count>();
  for (const name of workers) {
    for (let partition = 0; partition < partitions; partition += 1) counts.set(sharedQueue(name, partition), NOTHING);
  }
  for (const { tenant_id: tenant, worker, dedicated, quarantined, state, runs } of await book.queueStates()) {
    const queue = queueFor(worker, tenant, { dedicated, quarantined }, partitions);
    const count = counts.get(queue) ?? NOTHING;
    counts.set(queue, { ...count, [state]: count[state] + runs });
  }
  for (const { tenant_id: tenant, worker, dedicated, quarantined, reason, runs } of await book.owedWork()) {
    const queue = queueFor(worker, tenant, { dedicated, quarantined }, partitions);
    const count = counts.get(queue) ?? NOTHING;
    if (reason === null) counts.set(queue, { ...count, eligible: count.eligible + runs });
    else counts.set(queue, { ...count, held: { ...count.held, [reason]: (count.held[reason] ?? 0) + runs } });
  }
  return [...counts].map(([queue, count]) => {
    const name = parseQueue(queue);
    return { queue, worker: name?.worker ?? '', kind: name?.kind ?? 'shared', ...count };
  });
}
