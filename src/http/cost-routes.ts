import { z } from 'zod';
import type { CostBook } from '../tenant/cost-book.ts';
import { idOfRequest } from './idempotent-id.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { PROJECT, projectOf } from './project.ts';
import { type Route, route } from './route.ts';

const TOKENS = z.int().min(0).max(2_147_483_647);
const WORD = z.string().min(1).max(100);
const COST = z.strictObject({
  model: z.string().min(1).max(255),
  provider: WORD,
  operation: WORD,
  input_tokens: TOKENS.default(0),
  output_tokens: TOKENS.default(0),
  total_cost_usd: z
    .union([
      z.number().min(0).max(999_999_999_999),
      z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, 'expected such as "0.003450"'),
    ])
    .optional()
    .describe('text keeps every digit; left out, it is reckoned by the price of the model'),
  cache_hit: z.boolean().default(false),
  cache_tokens_saved: TOKENS.default(0),
  latency_ms: TOKENS.optional(),
  request_id: z.string().max(255).optional(),
  user_id: z.string().max(255).optional(),
  error: z.boolean().default(false),
  error_message: z.string().max(2_000).optional(),
  timestamp: GIVEN_INSTANT.optional().describe('of the call; default: now'),
});

/** What calls of models cost. */
export function costRoutes(costs: CostBook): readonly Route[] {
  const log = route({
    method: 'POST',
    path: '/v1/costs',
    does: 'Says what one call of a model cost; or, with a reservation, settles that.',
    permission: 'costs:write',
    projects: true,
    body: COST.extend({ project: PROJECT.optional(), reservation: z.uuid().optional() }),
    status: 201,
    answer: z.object({
      cost_id: z.uuid(),
      total_cost_usd: z.string().nullable().describe('null: no price is known yet'),
    }),
    run: async ({ principal, body: { project: given, reservation, ...cost }, header }) => {
      const project = projectOf(principal, given);
      const { tenantId } = principal;
      const whole = { ...cost, ...(project === undefined ? {} : { project_id: project }) };
      if (reservation !== undefined) return { body: await costs.settle(tenantId, reservation, whole) };
      const id = idOfRequest(tenantId, 'cost', header('idempotency-key'));
      return { body: await costs.log(tenantId, id, whole) };
    },
  });
  return [log];
}
