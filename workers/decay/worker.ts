import { sqlBeside, worker } from '../../src/fleet/worker.ts';
import { decay } from './contract.ts';

export default worker({
  contract: decay,
  when: { catchUp: 'coalesce', listens: ['memory'], servesSuspended: false, estimateMs: 5 },
  sql: sqlBeside(import.meta.url, ['step']),
  statements: 'step',
});
