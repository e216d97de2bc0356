import { rmSync } from 'node:fs';
import type { DataDir } from './data-dir.ts';
import { isRunning, signalTo } from './process-stamp.ts';
import { readStamps } from './stamp-file.ts';
import { until } from './until.ts';

/** How long a leftover server may take to end in order, and then by force, in milliseconds. */
const ORDERLY_MS = 20_000;
const FORCED_MS = 5_000;

interface Leftover {
  readonly name: string;
  /** Where the server and its guardian are written down. */
  readonly file: string;
  readonly soft: NodeJS.Signals;
  readonly hard: NodeJS.Signals;
}

/** Ends one server, if exactly the process written down still runs; a process that merely has its number is left alone. */
async function end({ name, file, soft, hard }: Leftover, say: (line: string) => void): Promise<void> {
  const [server, guardian] = readStamps(file);
  const left = () => [server, guardian].filter((stamp) => stamp !== undefined && isRunning(stamp));
  // The guardian too: it may still be removing the data of a test.
  const gone = () => left().length === 0 || undefined;
  if (server !== undefined && signalTo(server, soft)) {
    say(`ending the ${name} that a killed fleet left behind (process ${server.pid})`);
  }
  if (!(await until(gone, ORDERLY_MS))) for (const stamp of left()) if (stamp) signalTo(stamp, hard);
  if (!(await until(gone, FORCED_MS))) for (const stamp of left()) if (stamp) signalTo(stamp, 'SIGKILL');
  await until(gone, FORCED_MS);
  rmSync(file, { force: true });
}

/** Ends the servers that an earlier owner of the data directory left running; those that are ending are waited for. */
export async function endLeftovers(dir: DataDir, say: (line: string) => void): Promise<void> {
  await Promise.all([
    end({ name: 'Postgres', file: dir.file('postgres.json'), soft: 'SIGINT', hard: 'SIGQUIT' }, say),
    end({ name: 'Redis', file: dir.file('redis.json'), soft: 'SIGTERM', hard: 'SIGKILL' }, say),
  ]);
}
