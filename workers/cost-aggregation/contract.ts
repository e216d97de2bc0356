import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';
import { costPolicy } from './policy.ts';

export const costAggregation = workerContract({
  name: 'cost-aggregation',
  does: 'Adds up what calls of models cost, by hour, day and month, and prices calls whose price has become known.',
  policy: costPolicy,
  payload: z.strictObject({}),
  settings: z.strictObject({
    step_rows: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20_000)
      .describe('changes taken per transaction, and calls priced'),
  }),
});
