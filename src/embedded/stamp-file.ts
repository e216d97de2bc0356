import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ProcessStamp } from './process-stamp.ts';

function isStamp(value: unknown): value is ProcessStamp {
  const { pid, started } = (value ?? {}) as Partial<ProcessStamp>;
  return typeof pid === 'number' && typeof started === 'string';
}

/** Writes down processes. A file of another user's is replaced, where the folder allows it. */
export function writeStamps(file: string, stamps: readonly ProcessStamp[]): void {
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify(stamps), { mode: 0o600 });
}

/** The processes written down; none when there is no such file or it is torn. */
export function readStamps(file: string): readonly ProcessStamp[] {
  try {
    const stamps: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(stamps) ? stamps.filter(isStamp) : [];
  } catch {
    return [];
  }
}
