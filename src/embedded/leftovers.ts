import type { DataDir } from './data-dir.ts';
import { endLeftover } from './server-record.ts';

/** Ends the servers that an earlier owner of the data directory left running, where its guardians were killed too. */
export async function endLeftovers(dir: DataDir, say: (line: string) => void): Promise<void> {
  const ended = await Promise.all([
    endLeftover(dir.file('postgres.json'), { soft: 'SIGINT', hard: 'SIGQUIT' }),
    endLeftover(dir.file('redis.json'), { soft: 'SIGTERM', hard: 'SIGKILL' }),
  ]);
  const [postgres, redis] = ended;
  if (postgres !== undefined) say(`ended the Postgres that an earlier fleet had left running (process ${postgres})`);
  if (redis !== undefined) say(`ended the Redis that an earlier fleet had left running (process ${redis})`);
}
