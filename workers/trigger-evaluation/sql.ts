import { sqlBeside } from '../../src/fleet/worker.ts';

export const sql = sqlBeside(import.meta.url, ['takeTurn', 'rules', 'pending', 'histories', 'act', 'record', 'prune']);
