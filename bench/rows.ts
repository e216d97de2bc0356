import type { Row } from './row.ts';
import { admission } from './rows/admission.ts';
import { costs } from './rows/costs.ts';
import { decayCycle } from './rows/decay-cycle.ts';
import { enqueue } from './rows/enqueue.ts';
import { fifo } from './rows/fifo.ts';
import { idleStart } from './rows/idle-start.ts';
import { imports } from './rows/import.ts';
import { fanOut, idleTenants } from './rows/many-tenants.ts';
import { purge } from './rows/purge.ts';
import { quiet } from './rows/quiet.ts';
import { rawBullmq } from './rows/raw-bullmq.ts';
import { reads } from './rows/reads.ts';
import { redisBound } from './rows/redis-bound.ts';
import { rules } from './rows/rules.ts';
import { shares } from './rows/shares.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...decayCycle,
  purge,
  rules,
  ...costs,
  ...rawBullmq,
  fanOut,
  ...idleTenants,
  ...idleStart,
  imports,
  ...enqueue,
  ...reads,
  redisBound,
  fifo,
  ...shares,
  ...admission,
  ...quiet,
];
