import { z } from 'zod';
import { RaeError } from '../kernel/errors.ts';
import type { PriceBook } from '../tenant/price-book.ts';
import { checkedPrices, type ModelPrice } from '../tenant/price-file.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';

const MONEY = z.string().max(40).describe('US dollars per million tokens, such as "2.5"');
const MODEL = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}*$/u, 'expected no control characters');
const PRICE = z.object({
  model: z.string(),
  valid_from: z.string(),
  input_per_million: z.string(),
  output_per_million: z.string(),
  cached_input_per_million: z.string().nullable(),
});
const GIVEN = z.strictObject({
  model: MODEL,
  valid_from: z.string().max(40).default('2020-01-01T00:00:00.000Z'),
  input_per_million: MONEY,
  output_per_million: MONEY,
  cached_input_per_million: MONEY.nullable().default(null).describe('null: as other input'),
});

/** Where the routes about prices take what they need from. */
export interface PriceParts {
  readonly prices: PriceBook;
  /** Prices stand on every shard; the API reaches the control database alone as an operator. */
  readonly shards: number;
}

/** What models cost, one list for the whole fleet. */
export function priceRoutes({ prices, shards }: PriceParts): readonly Route[] {
  const list = operatorRoute({
    method: 'GET',
    path: '/v1/prices',
    does: 'Lists what models cost, by model and date; of one model, what its calls cost now.',
    permission: 'fleet:read',
    query: z.strictObject({ ...PAGE, model: MODEL.optional() }),
    status: 200,
    answer: z.object({ prices: z.array(PRICE), next: z.string().nullable() }),
    run: async ({ query: { limit, cursor, model } }) => {
      const [after] = placeOf(FLEET, cursor, [z.string().regex(/^\d{1,9}$/)]);
      const begin = after === undefined ? 0 : Number(after);
      const all = await prices.list(model);
      const end = begin + limit;
      const next = end < all.length ? cursorOf(FLEET, [String(end)]) : null;
      return { body: { prices: all.slice(begin, end), next } };
    },
  });
  const put = operatorRoute({
    method: 'POST',
    path: '/v1/prices',
    does: 'Takes prices, all or none; calls whose cost was not known are priced by them.',
    permission: 'fleet:write',
    body: z.strictObject({
      prices: z.array(GIVEN).min(1).max(10_000),
      replace: z.boolean().default(false).describe('remove the prices that are not among them'),
    }),
    mostBytes: 8 * 1024 * 1024,
    status: 200,
    answer: z.object({ prices: z.int(), changed: z.int(), removed: z.int() }),
    run: async ({ author, body }) => {
      if (shards > 1)
        throw new RaeError('RAE_REFUSED', 'prices stand on every shard, and as an operator the API reaches one', {
          hint: 'take them with rae price import, RAE_DATABASE_URL and the RAE_SHARD_… addresses set',
        });
      const given: readonly ModelPrice[] = checkedPrices(body.prices);
      return { body: { prices: given.length, ...(await prices.put(given, body.replace, author)) } };
    },
  });
  return [list, put];
}
