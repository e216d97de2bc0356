import { sqlBeside, worker } from '../../src/fleet/worker.ts';
import { retentionPurge } from './contract.ts';

export default worker({
  contract: retentionPurge,
  when: { catchUp: 'coalesce', listens: ['memory', 'cost_log', 'hold'], servesSuspended: true, estimateMs: 5 },
  sql: sqlBeside(import.meta.url, ['step', 'preview']),
  statements: 'step',
  preview: 'preview',
});
