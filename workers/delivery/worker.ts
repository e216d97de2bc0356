import { worker } from '../../src/fleet/worker.ts';
import { delivery } from './contract.ts';
import { Round } from './round.ts';
import { Sender } from './sender.ts';
import { deliverySql } from './sql.ts';

export default worker({
  contract: delivery,
  when: {
    catchUp: 'coalesce',
    listens: [],
    wakes: { on: ['message'], afterMs: 0 },
    servesSuspended: false,
    estimateMs: 200,
  },
  sql: deliverySql,
  perform: async (run) => {
    const sender = new Sender(run);
    try {
      return await new Round(run, deliverySql.statements, sender, Math.random).outcome();
    } finally {
      sender.close();
    }
  },
});
