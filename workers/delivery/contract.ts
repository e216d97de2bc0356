import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';
import { deliveryPolicy } from './policy.ts';

const ms = (most: number, byDefault: number, what: string) =>
  z.int().min(1).max(most).default(byDefault).describe(`${what}, in milliseconds`);
const count = (most: number, byDefault: number, what: string) =>
  z.int().min(1).max(most).default(byDefault).describe(what);

/** What an operator may tune about sending. */
export const deliverySettings = z.strictObject({
  timeout_ms: ms(60_000, 10_000, 'after so long without an answer a message was not delivered'),
  run_ms: ms(600_000, 15_000, 'a run begins to send for so long, then lets others have its place'),
  endpoints: count(1_000, 32, 'endpoints of a tenant that are called at once'),
  per_endpoint: count(100, 8, 'messages that are on their way to one endpoint at once'),
  give_up_seconds: count(2_592_000, 86_400, 'a message that is not delivered after so many seconds is dead'),
  retry_base_ms: ms(3_600_000, 5_000, 'the first retry comes within'),
  retry_cap_ms: ms(86_400_000, 14_400_000, 'no retry comes later than'),
  refused_tries: count(100, 5, 'so many refusals (an answer 3xx or 4xx) make a message dead'),
  refused_base_ms: ms(3_600_000, 60_000, 'the first retry after a refusal comes within'),
  breaker_failures: count(100, 5, 'so many failures in a row, and an endpoint is not called for a while'),
  breaker_base_ms: ms(3_600_000, 30_000, 'the first such while'),
  breaker_cap_ms: ms(86_400_000, 3_600_000, 'the longest such while'),
});

export type DeliverySettings = z.output<typeof deliverySettings>;

export const delivery = workerContract({
  name: 'delivery',
  does: 'Sends outgoing messages as signed webhooks and as e-mail until each has arrived or is given up.',
  policy: deliveryPolicy,
  payload: z.strictObject({}),
  settings: deliverySettings,
});
