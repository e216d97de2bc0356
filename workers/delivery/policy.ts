import { z } from 'zod';

const days = (what: string, byDefault: number) =>
  z.int().min(1).max(3_650).default(byDefault).describe(`${what} are kept for so many days`);

/** What a tenant may tune about its messages. */
export const deliveryPolicy = z.strictObject({
  keep_days: days('delivered messages', 30),
  keep_dead_days: days('dead messages', 90),
});

export type DeliveryPolicy = z.output<typeof deliveryPolicy>;
