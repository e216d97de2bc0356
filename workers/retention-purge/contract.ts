import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';
import { retentionPolicy } from './policy.ts';

export const retentionPurge = workerContract({
  name: 'retention-purge',
  does: 'Removes what is older than its policy says, unless it is held or protected, and certifies what went.',
  policy: retentionPolicy,
  payload: z.strictObject({}),
  settings: z.strictObject({
    step_rows: z.int().min(10).max(100_000).default(5_000).describe('rows looked at per transaction'),
  }),
});
