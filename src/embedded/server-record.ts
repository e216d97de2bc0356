import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isRunning, type ProcessStamp, signalTo } from './process-stamp.ts';
import { until } from './until.ts';

/** How long a leftover server may take to end in order, and then by force, in milliseconds. */
const ORDERLY_MS = 15_000;
const FORCED_MS = 5_000;

/** Writes down which process a server is, so that the next start finds it if this process and its guardian both die. */
export function recordServer(file: string, stamp: ProcessStamp): void {
  writeFileSync(file, JSON.stringify(stamp), { mode: 0o600 });
}

/** The process in the record; undefined when there is none or it is torn. */
export function readStamp(file: string): ProcessStamp | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessStamp>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends the server an earlier owner left behind, if it still runs. A process that merely has its number is left alone.
 * @returns its pid when there was one.
 */
export async function endLeftover(
  file: string,
  signals: { readonly soft: NodeJS.Signals; readonly hard: NodeJS.Signals },
): Promise<number | undefined> {
  const stamp = readStamp(file);
  const wasRunning = stamp !== undefined && signalTo(stamp, signals.soft);
  if (wasRunning) {
    const gone = () => !isRunning(stamp) || undefined;
    if (!(await until(gone, ORDERLY_MS))) signalTo(stamp, signals.hard);
    if (!(await until(gone, FORCED_MS))) signalTo(stamp, 'SIGKILL');
    await until(gone, FORCED_MS);
  }
  rmSync(file, { force: true });
  return wasRunning ? stamp.pid : undefined;
}
