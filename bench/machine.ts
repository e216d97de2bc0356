import { cpus, totalmem, type } from 'node:os';
import { release } from 'node:process';
import type { Stage } from './stage.ts';

/** On what the figures were measured. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  readonly redis: string;
}

/** Describes this machine; nothing that names it. */
export function machineOf({ versions }: Stage): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: type(),
    node: `${release.name} ${process.version}`,
    ...versions,
  };
}
