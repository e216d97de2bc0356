import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';
import { decayPolicy } from './policy.ts';

export const decay = workerContract({
  name: 'decay',
  does: 'Lowers the importance of memories, once for each local date, by how long ago they were last accessed.',
  policy: decayPolicy,
  payload: z.strictObject({}),
  settings: z.strictObject({
    step_rows: z.int().min(10).max(100_000).default(5_000).describe('memories per transaction'),
  }),
});
