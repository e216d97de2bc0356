import { z } from 'zod';

/** What a tenant may tune about its trigger rules as a whole; each rule has its own conditions. */
export const triggerPolicy = z.strictObject({
  enabled: z.boolean().default(true).describe('false = events wait until it is true again'),
  keep_days: z
    .int()
    .min(30)
    .max(3_650)
    .default(90)
    .describe('executions and numbers of consumed events go after so many days'),
});
