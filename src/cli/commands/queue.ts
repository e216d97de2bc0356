import type { QueueDepth, QueueRow } from '../../fleet/queue-list.ts';
import { RaeError } from '../../kernel/errors.ts';
import { RunBook } from '../../ledger/run-book.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { RemoteQueues } from '../remote-fleet.ts';
import { table } from '../table.ts';
import { queuePause, queuePauses, queueResume } from './queue-pause.ts';

/** With how many processes take its tickets, attached to it now or as soon as it has any; the API does not say. */
type Row = QueueRow & QueueDepth & { readonly takers?: number };

const list: Command = {
  overApi: true,
  name: 'list',
  does: 'Lists queues: owed and admitted runs by the ledger, why owed ones are held, tickets and the processes that take them by Redis.',
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

async function rows(call: Call): Promise<readonly Row[]> {
  if (call.remote !== undefined) return new RemoteQueues(call.remote).list();
  const { redisUrl } = call.connection.address;
  if (redisUrl === undefined)
    throw new RaeError('RAE_NO_FLEET', 'RAE_REDIS_URL is not set', { hint: 'set it beside RAE_DATABASE_URL' });
  // Loaded here, so that no other command waits for them.
  const [{ queueList }, { readConsumers }, { TicketProducer }, { reachRedis, redisConnection }] = await Promise.all([
    import('../../fleet/queue-list.ts'),
    import('../../../queues/consumers.ts'),
    import('../../../queues/producer.ts'),
    import('../../redis/connection.ts'),
  ]);
  const book = new RunBook(call.connection.as('rae_operator'));
  const queues = await queueList(book, (await call.catalogue).names, call.config.partitions);
  const redis = redisConnection(redisUrl, 'producer');
  await reachRedis(redis, redisUrl);
  const producer = new TicketProducer(redis);
  try {
    const consumers = await readConsumers(redis);
    const row = async (one: QueueRow) => {
      return { ...one, ...(await producer.depth(one.queue)), takers: consumers.takersOf(one.queue) };
    };
    return await Promise.all(queues.map(row));
  } finally {
    await producer.close();
    redis.disconnect();
  }
}

function listed(queues: readonly Row[], call: Call): string {
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
      { title: 'CONSUMERS', value: consumersOf, align: 'right' },
    ],
    queues,
    call.out.look,
  );
}

function consumersOf({ takers, consumers }: Row): number | string {
  const count = takers ?? consumers;
  return count === 0 ? 'none' : count;
}

function heldOf({ held }: Row): string | undefined {
  const reasons = Object.entries(held).sort(([, a], [, b]) => b - a);
  return reasons.length === 0 ? undefined : reasons.map(([reason, runs]) => `${runs} ${reason}`).join(', ');
}
