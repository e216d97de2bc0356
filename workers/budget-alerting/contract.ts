import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';
import { budgetPolicy } from './policy.ts';

export const budgetAlerting = workerContract({
  name: 'budget-alerting',
  does: 'Holds what was spent against the budgets, and says once for each threshold of a period that it was reached.',
  policy: budgetPolicy,
  payload: z.strictObject({}),
  settings: z.strictObject({
    step_notes: z.int().min(1).max(10_000).default(500).describe('notes of new cost logs looked at per transaction'),
  }),
});
