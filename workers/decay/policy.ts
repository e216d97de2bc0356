import { z } from 'zod';
import { scheduleFields } from '../../src/fleet/worker.ts';

const share = z.number().min(0).max(1);

/** A share that arithmetic can bear: Postgres refuses a product too small for a double, and with it the whole run. */
const rate = share.refine((value) => value === 0 || value >= 1e-9, 'must be 0 or at least 1e-9');

/** The layers of memory that a rate may be set for. */
export const LAYERS = ['sensory', 'working', 'episodic', 'semantic', 'reflective'] as const;

/** What a tenant may tune about decay; the defaults are the original's. */
export const decayPolicy = z
  .strictObject({
    ...scheduleFields('0 2 * * *'),
    rate: rate.default(0.01).describe('share of its importance that a memory loses per date'),
    floor: share.default(0.01).describe('importance is never lowered below this'),
    protected_days: z
      .number()
      .min(0)
      .max(3_650)
      .default(7)
      .describe('a memory accessed less than so many days ago decays at half the rate'),
    accelerated_days: z
      .number()
      .min(1)
      .max(3_650)
      .default(30)
      .describe('a memory idle for more than so many days decays at 1 + idle days / accelerated_days times the rate'),
    access_statistics: z.boolean().default(true).describe('false = every memory decays at the plain rate'),
    layer_rates: z.partialRecord(z.enum(LAYERS), rate).default({}).describe('rates of single layers, instead of rate'),
  })
  // Compared where each is right by itself: otherwise one mistake would be told as two.
  .refine((policy) => policy.accelerated_days < 1 || policy.protected_days <= policy.accelerated_days, {
    path: ['protected_days'],
    message: 'must not be more than accelerated_days',
  });
