import { sqlBeside, worker } from '../../src/fleet/worker.ts';
import { budgetAlerting } from './contract.ts';

export default worker({
  contract: budgetAlerting,
  when: {
    catchUp: 'coalesce',
    listens: [],
    wakes: { on: ['cost_log', 'budget'], afterMs: 500 },
    servesSuspended: false,
    estimateMs: 5,
  },
  sql: sqlBeside(import.meta.url, ['step']),
  statements: 'step',
});
