import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';
import { triggerPolicy } from './policy.ts';

export const triggerEvaluation = workerContract({
  name: 'trigger-evaluation',
  does: "Asks a tenant's rules about each event that arrives, in one order, and does what they say exactly once.",
  policy: triggerPolicy,
  payload: z.strictObject({}),
  settings: z.strictObject({
    step_events: z.int().min(1).max(5_000).default(500).describe('events consumed per transaction'),
    step_ms: z.int().min(10).max(10_000).default(1_000).describe('a transaction takes no further event after so long'),
    most_depth: z.int().min(1).max(50).default(5).describe('how many rules may follow each other by emitting events'),
    rae_api_url: z
      .union([z.url({ protocol: /^https?$/ }), z.null()])
      .default(null)
      .describe('where the RAE API is, for the actions that call it'),
  }),
});
