import { sqlBeside, worker } from '../../src/fleet/worker.ts';
import { costAggregation } from './contract.ts';

export default worker({
  contract: costAggregation,
  when: {
    catchUp: 'coalesce',
    listens: [],
    wakes: { on: ['cost_log', 'price'], afterMs: 2_000 },
    servesSuspended: true,
    estimateMs: 5,
  },
  sql: sqlBeside(import.meta.url, ['step']),
  statements: 'step',
});
