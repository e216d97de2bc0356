import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process named so that a later one with the same, re-used number is not taken for it. */
export interface ProcessStamp {
  readonly pid: number;
  /** When it started, in whatever terms this machine tells it; unique together with the pid, across reboots too. */
  readonly started: string;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function startedBy(pid: number): string | undefined {
  const boot = read('/proc/sys/kernel/random/boot_id');
  if (boot === undefined) {
    // No /proc (macOS): whole seconds are all there is.
    const told = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
    return told === '' || told.startsWith('Z') ? undefined : told.replace(/^\S+\s+/, '');
  }
  const stat = read(`/proc/${pid}/stat`);
  // The name stands in brackets and may itself hold spaces and brackets: read on from the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  // A zombie has ended; only its parent has not noticed.
  if (fields[0] === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${boot.trim()}:${fields[19]}`;
}

/** The stamp of a running process; undefined when none runs under this number. */
export function stampOf(pid: number): ProcessStamp | undefined {
  const started = startedBy(pid);
  return started === undefined ? undefined : { pid, started };
}

/** True while exactly the process of this stamp runs. */
export function isRunning(stamp: ProcessStamp): boolean {
  return startedBy(stamp.pid) === stamp.started;
}

/** Sends `signal` if exactly that process still runs. False when it has gone. */
export function signalTo(stamp: ProcessStamp, signal: NodeJS.Signals): boolean {
  if (!isRunning(stamp)) return false;
  try {
    process.kill(stamp.pid, signal);
    return true;
  } catch {
    return false;
  }
}
