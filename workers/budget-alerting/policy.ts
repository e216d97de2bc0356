import { z } from 'zod';

/** What a tenant may tune about alerts as a whole; limits, thresholds and channels are those of each budget. */
export const budgetPolicy = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('false = no alerts until it is true again; budgets that block go on blocking'),
});
