import { sqlBeside } from '../../src/fleet/worker.ts';

/** What lies beside this worker in SQL. */
export const deliverySql = sqlBeside(import.meta.url, [
  'release',
  'giveUp',
  'take',
  'record',
  'mended',
  'failing',
  'sweep',
  'rest',
]);

export type DeliverySql = typeof deliverySql.statements;
