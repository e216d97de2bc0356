import { z } from 'zod';

/** There is nothing for a tenant to tune: sums are of UTC, and prices belong to the fleet. */
export const costPolicy = z.strictObject({});
