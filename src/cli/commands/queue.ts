import { dedicatedQueue, parseQueue, sharedQueue } from '../../../queues/names.ts';
import { TicketProducer } from '../../../queues/producer.ts';
import { queueFor } from '../../../queues/topology.ts';
import { RaeError } from '../../kernel/errors.ts';
import { RunBook } from '../../ledger/run-book.ts';
import { reachRedis, redisConnection } from '../../redis/connection.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { table } from '../table.ts';

/** One queue: what the ledger says of it, and what Redis says. */
interface QueueRow {
  readonly queue: string;
  readonly worker: string;
  readonly kind: 'shared' | 'dedicated';
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
  does: 'Lists queues: admitted runs by the ledger, tickets and consumers by Redis.',
  examples: ['rae queue list', 'rae queue list --json'],
  run: async (call) => {
    const queues = await rows(call);
    return { json: queues, text: () => listed(queues, call) };
  },
};

/** `rae queue`. */
export const queueCommand: Command = {
  name: 'queue',
  does: 'Shows the queues.',
  commands: [list],
};

async function rows(call: Call): Promise<readonly QueueRow[]> {
  const { redisUrl } = call.connection.address;
  if (redisUrl === undefined)
    throw new RaeError('RAE_NO_FLEET', 'RAE_REDIS_URL is not set', { hint: 'set it beside RAE_DATABASE_URL' });
  const book = new RunBook(call.connection.as('rae_operator'));
  const partitions = (await book.partitions()) ?? call.config.partitions;
  const counts = new Map<string, { queued: number; running: number }>();
  for (const { name } of (await call.catalogue).all) {
    for (let partition = 0; partition < partitions; partition += 1) {
      counts.set(sharedQueue(name, partition), { queued: 0, running: 0 });
    }
  }
  for (const { tenant_id: tenant, worker, dedicated, state, runs } of await book.queueStates()) {
    const queue = dedicated ? dedicatedQueue(worker, tenant) : queueFor(worker, tenant, { dedicated }, partitions);
    const count = counts.get(queue) ?? { queued: 0, running: 0 };
    counts.set(queue, { ...count, [state]: count[state] + runs });
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
