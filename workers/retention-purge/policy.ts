import { z } from 'zod';
import { scheduleFields } from '../../src/fleet/worker.ts';

/** How long a class is kept: a number of days of 24 hours, or `never` for what does not go by age. 0 and -1 meant both things once: they are refused. */
const days = (what: string, byDefault: number) =>
  z
    .union([z.int().min(1).max(36_500), z.enum(['never'])])
    .default(byDefault)
    .describe(`${what} go after so many days of 24 hours; never = not by age`);

/** What a tenant may tune about retention. */
export const retentionPolicy = z.strictObject({
  ...scheduleFields('0 1 * * *'),
  sensory_memories_days: days('sensory memories', 1),
  working_memories_days: days('working memories', 7),
  episodic_memories_days: days('episodic memories', 90),
  semantic_memories_days: days('semantic memories', 365),
  reflective_memories_days: days('reflective memories', 730),
  cost_logs_days: days('cost logs', 2_555),
  audit_logs_days: days('entries of the audit log', 2_555),
  protected_tags: z
    .array(z.string().min(1).max(255))
    .max(100)
    .default([])
    .describe('a memory with any of these tags does not go'),
  grace_days: z
    .int()
    .min(0)
    .max(3_650)
    .default(0)
    .describe('a memory that is to go is marked first and goes so many days later; 0 = at once'),
});
