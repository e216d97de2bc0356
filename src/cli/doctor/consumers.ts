import { type Consumers, readConsumers } from '../../../queues/consumers.ts';
import { parseQueue } from '../../../queues/names.ts';
import type { QueueRow } from '../../fleet/queue-list.ts';
import { reachRedis, redisConnection } from '../../redis/connection.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/**
 * Does any process take the work of each worker, and the tickets of each queue? Without one it waits for ever: a failure where
 * there is work.
 * @param list gives the queues with what is owed; where the login may not read it, a worker without a process is a warning.
 * @throws RaeError `RAE_REDIS_UNREACHABLE`
 */
export async function checkConsumers(
  url: string,
  workers: readonly string[],
  list: () => Promise<readonly QueueRow[]>,
): Promise<readonly Finding[]> {
  const redis = redisConnection(url, 'producer');
  try {
    await reachRedis(redis, url);
    const consumers = await readConsumers(redis);
    const { processes, capacities } = consumers;
    const queues = await list().catch(() => []);
    const untaken = queues.filter(({ worker, queue }) => processes.has(worker) && consumers.takersOf(queue) === 0);
    const ofWorkers = workers.map((worker) => {
      const count = processes.get(worker);
      const slots = capacities.get(worker)?.slots ?? 0;
      if (count !== undefined)
        return ok(
          'consumers',
          `${worker}: ${counted(count, 'process', 'processes')} with ${counted(slots, 'slot', 'slots')}${partsOf(consumers, worker)}`,
        );
      const runs = queues.filter((one) => one.worker === worker).reduce((sum, one) => sum + owedIn(one), 0);
      const found = `${worker}: no process takes its work${runs === 0 ? '' : `, and ${counted(runs, 'run waits', 'runs wait')}`}`;
      const mend = `start one: rae worker ${worker}`;
      return runs === 0 ? warn('consumers', found, mend) : fail('consumers', found, mend);
    });
    return [...ofWorkers, ...untaken.map(ofQueue)];
  } finally {
    redis.disconnect();
  }
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** A queue of which none of its worker's processes takes tickets. */
function ofQueue(row: QueueRow): Finding {
  const runs = owedIn(row);
  const waits = runs === 0 ? '' : `, and ${counted(runs, 'run waits', 'runs wait')}`;
  const name = parseQueue(row.queue);
  const takes =
    name?.kind === 'dedicated' ? name.tenantId : name?.kind === 'shared' ? partitionWord(name.partition) : '';
  const found = `${row.queue}: of the processes of ${row.worker} none takes it${waits}`;
  const mend = `start one that does: RAE_CONSUME=${takes} rae worker ${row.worker}`;
  return runs === 0 ? warn('consumers', found, mend) : fail('consumers', found, mend);
}

function partitionWord(partition: number): string {
  return partition > 255 ? 'quarantine' : String(partition);
}

function owedIn({ eligible, held }: QueueRow): number {
  return Object.values(held).reduce((sum, runs) => sum + runs, eligible);
}

/** Which queues they take, where that is not all. */
function partsOf({ takers }: Consumers, worker: string): string {
  const own = takers.filter((one) => one.worker === worker);
  if (own.every(({ consumes }) => consumes.isEverything)) return '';
  return `; ${own.map(({ processes, consumes }) => `${processes} of ${consumes.text}`).join(', ')}`;
}
