import { readdirSync, readFileSync } from 'node:fs';

/** CPU time by name of the process, in µs. */
export type CpuUse = Readonly<Record<string, number>>;

/** Jiffies of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_US = 10_000;

/** The fields of a process after its name: [0] state, [1] parent, [11] to [14] user, system, and those of ended children. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function spent(stat: readonly string[], ended: boolean): number {
  const ticks = Number(stat[11]) + Number(stat[12]) + (ended ? Number(stat[13]) + Number(stat[14]) : 0);
  return ticks * TICK_US;
}

/** CPU time of a process so far, with the children that it had and has: a server's sessions. In µs; 0 once it is gone. */
export function cpuOf(pid: number): number {
  const own = statOf(pid);
  if (own === undefined) return 0;
  let sum = spent(own, true);
  for (const name of readdirSync('/proc')) {
    const child = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (child !== undefined && Number(child[1]) === pid) sum += spent(child, true);
  }
  return sum;
}

/** Resident memory of a process now, in bytes; 0 once it is gone. */
export function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/** What the processes have used since. */
export function cpuSince(pids: Readonly<Record<string, number>>): (per: number) => CpuUse {
  const before = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuOf(pid)]));
  return (per) =>
    Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, (cpuOf(pid) - (before[name] ?? 0)) / per]));
}
