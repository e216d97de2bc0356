import { readConsumers } from '../../../queues/consumers.ts';
import type { OwedWork } from '../../ledger/run-book.ts';
import { reachRedis, redisConnection } from '../../redis/connection.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/**
 * Does any process take the work of each worker? Without one it waits for ever: a failure where there is work.
 * @param owed gives the owed work; where the login may not read it, a worker without a process is a warning.
 * @throws RaeError `RAE_REDIS_UNREACHABLE`
 */
export async function checkConsumers(
  url: string,
  workers: readonly string[],
  owed: () => Promise<readonly OwedWork[]>,
): Promise<readonly Finding[]> {
  const redis = redisConnection(url, 'producer');
  try {
    await reachRedis(redis, url);
    const { processes, capacities } = await readConsumers(redis);
    const work = await owed().catch(() => []);
    return workers.map((worker) => {
      const count = processes.get(worker);
      const slots = capacities.get(worker)?.slots ?? 0;
      if (count !== undefined)
        return ok(
          'consumers',
          `${worker}: ${counted(count, 'process', 'processes')} with ${counted(slots, 'slot', 'slots')}`,
        );
      const runs = work.filter((one) => one.worker === worker).reduce((sum, one) => sum + one.runs, 0);
      const found = `${worker}: no process takes its work${runs === 0 ? '' : `, and ${counted(runs, 'run waits', 'runs wait')}`}`;
      const mend = `start one: rae worker ${worker}`;
      return runs === 0 ? warn('consumers', found, mend) : fail('consumers', found, mend);
    });
  } finally {
    redis.disconnect();
  }
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}
