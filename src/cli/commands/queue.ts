import { parseQueue, sharedQueue } from '../../../queues/names.ts';
import { RaeError } from '../../kernel/errors.ts';
import { RunBook } from '../../ledger/run-book.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { table } from '../table.ts';
import { queuePause, queuePauses, queueResume } from './queue-pause.ts';

/** One queue: what the ledger says of it, and what Redis says. */
interface QueueRow {
  readonly queue: string;
  readonly worker: string;
  readonly kind: 'shared' | 'dedicated';
  /** Owed runs that may start now, and that are held, by reason: from the ledger and what the dispatcher recorded. */
  readonly eligible: number;
  readonly held: Readonly<Record<string, number>>;
  /** Admitted runs that no worker has claimed, and that one has: from the ledger. */
  readonly queued: number;
  readonly running: number;
  /** Tickets, and processes that take them: from Redis. */
  readonly waiting: number;
  readonly active: number;
  readonly consumers: number;
}

const list: Command = {
  name: 'list',
  does: 'Lists queues: owed and admitted runs by the ledger, why owed ones are held, tickets and consumers by Redis.',
  examples: ['rae queue list', 'rae queue list --json'],
  run: async (call) => {
    const queues = await rows(call);
    return { json: queues, text: () => listed(queues, call) };
  },
};

/** `rae queue`. */
export const queueCommand: Command = {
  name: 'queue',
  does: 'Shows the queues, and pauses what waits in them.',
  commands: [list, queuePause, queueResume, queuePauses],
};

type Count = Pick<QueueRow, 'eligible' | 'held' | 'queued' | 'running'>;

const NOTHING: Count = Object.freeze({ eligible: 0, held: Object.freeze({}), queued: 0, running: 0 });

async function rows(call: Call): Promise<readonly QueueRow[]> {
  const { redisUrl } = call.connection.address;
  if (redisUrl === undefined)
    throw new RaeError('RAE_NO_FLEET', 'RAE_REDIS_URL is not set', { hint: 'set it beside RAE_DATABASE_URL' });
  // Loaded here, so that no other command waits for them.
  const [{ queueFor }, { TicketProducer }, { reachRedis, redisConnection }] = await Promise.all([
    import('../../../queues/topology.ts'),
    import('../../../queues/producer.ts'),
    import('../../redis/connection.ts'),
  ]);
  const book = new RunBook(call.connection.as('rae_operator'));
  const partitions = (await book.partitions()) ?? call.config.partitions;
  const counts = new Map<string, Count>();
  for (const { name } of (await call.catalogue).all) {
    for (let partition = 0; partition < partitions; partition += 1) {
      counts.set(sharedQueue(name, partition), NOTHING);
    }
  }
  for (const { tenant_id: tenant, worker, dedicated, state, runs } of await book.queueStates()) {
    const queue = queueFor(worker, tenant, { dedicated }, partitions);
    const count = counts.get(queue) ?? NOTHING;
    counts.set(queue, { ...count, [state]: count[state] + runs });
  }
  for (const { tenant_id: tenant, worker, dedicated, reason, runs } of await book.owedWork()) {
    const queue = queueFor(worker, tenant, { dedicated }, partitions);
    const count = counts.get(queue) ?? NOTHING;
    if (reason === null) counts.set(queue, { ...count, eligible: count.eligible + runs });
    else counts.set(queue, { ...count, held: { ...count.held, [reason]: (count.held[reason] ?? 0) + runs } });
  }
  const redis = redisConnection(redisUrl, 'producer');
  await reachRedis(redis, redisUrl);
  const producer = new TicketProducer(redis);
  try {
    return await Promise.all(
      [...counts].map(async ([queue, count]) => {
        const name = parseQueue(queue);
        const depth = await producer.depth(queue);
        return { queue, worker: name?.worker ?? '', kind: name?.kind ?? 'shared', ...count, ...depth };
      }),
    );
  } finally {
    await producer.close();
    redis.disconnect();
  }
}

function listed(queues: readonly QueueRow[], call: Call): string {
  return table(
    [
      { title: 'QUEUE', value: (row) => row.queue },
      { title: 'KIND', value: (row) => row.kind },
      { title: 'ELIGIBLE', value: (row) => row.eligible, align: 'right' },
      { title: 'HELD', value: (row) => heldOf(row) },
      { title: 'QUEUED', value: (row) => row.queued, align: 'right' },
      { title: 'RUNNING', value: (row) => row.running, align: 'right' },
      { title: 'WAITING', value: (row) => row.waiting, align: 'right' },
      { title: 'ACTIVE', value: (row) => row.active, align: 'right' },
      { title: 'CONSUMERS', value: (row) => (row.consumers === 0 ? 'none' : row.consumers), align: 'right' },
    ],
    queues,
    call.out.look,
  );
}

function heldOf({ held }: QueueRow): string | undefined {
  const reasons = Object.entries(held).sort(([, a], [, b]) => b - a);
  return reasons.length === 0 ? undefined : reasons.map(([reason, runs]) => `${runs} ${reason}`).join(', ');
}
