import type { Row } from './row.ts';
import { decayCycle } from './rows/decay-cycle.ts';
import { fifo } from './rows/fifo.ts';
import { fanOut, idleTenants } from './rows/many-tenants.ts';
import { purge } from './rows/purge.ts';
import { quiet } from './rows/quiet.ts';
import { rawBullmq } from './rows/raw-bullmq.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [...decayCycle, purge, ...rawBullmq, fanOut, ...idleTenants, fifo, ...quiet];
