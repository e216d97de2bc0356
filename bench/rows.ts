import type { Row } from './row.ts';
import { fifo } from './rows/fifo.ts';
import { quiet } from './rows/quiet.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [fifo, ...quiet];
