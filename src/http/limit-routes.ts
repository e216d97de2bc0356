import { z } from 'zod';
import { RaeError } from '../kernel/errors.ts';
import { EVERY_TENANT, type LimitRow } from '../ledger/limit.ts';
import type { LimitBook } from '../ledger/limit-book.ts';
import type { TenantRegistry } from '../tenant/registry.ts';
import { knownWorker } from './known-worker.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';

const MOST = 1_000_000;
const COUNT = z.int().min(1).max(MOST);
const LIMIT = z.object({
  tenant_id: z.uuid().nullable().describe('null: all together'),
  worker: z.string(),
  run_cap: z.int().nullable(),
  rate_runs: z.int().nullable(),
  rate_seconds: z.int().nullable(),
  burst: z.int().nullable(),
  owner: z.string(),
});
const RATE = z.strictObject({
  runs: COUNT,
  seconds: z.union([z.literal(1), z.literal(60), z.literal(3_600)]),
  burst: COUNT.optional().describe('how many of them at once after a rest; default: those of a second, at least 1'),
});

/** Where the routes about limits take what they need from. */
export interface LimitParts {
  readonly limits: LimitBook;
  readonly tenants: TenantRegistry;
  readonly workers: readonly string[];
}

/** Caps and rates of single workers, as operators set them. */
export function limitRoutes({ limits, tenants, workers }: LimitParts): readonly Route[] {
  const list = operatorRoute({
    method: 'GET',
    path: '/v1/limits',
    does: 'Lists what bounds single workers, for a tenant or in total.',
    permission: 'fleet:read',
    query: z.strictObject(PAGE),
    status: 200,
    answer: z.object({ limits: z.array(LIMIT), next: z.string().nullable() }),
    run: async ({ query: { limit, cursor } }) => {
      const [after = ''] = placeOf(FLEET, cursor, [z.string().regex(/^[0-9a-f-]{36} [a-z0-9-]{1,100}$/)]);
      const rest = [...(await limits.list())].sort((a, b) => (placeIn(a) < placeIn(b) ? -1 : 1));
      const found = rest.filter((one) => placeIn(one) > after);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return { body: { limits: page.map(told), next: last === undefined ? null : cursorOf(FLEET, [placeIn(last)]) } };
    },
  });
  const put = operatorRoute({
    method: 'PUT',
    path: '/v1/limits',
    does: 'Bounds a worker: how many of its runs may be admitted at once, of a tenant or in total, and how fast those of a tenant; dispatch follows at once.',
    permission: 'fleet:write',
    body: z
      .strictObject({
        worker: z.string().min(1).max(100),
        tenant_id: z.uuid().optional().describe('of this tenant; left out, of all together'),
        run_cap: COUNT.nullable().optional(),
        rate: RATE.nullable().optional().describe('of one tenant'),
      })
      .describe('what is left out stays as it is; null takes it away'),
    status: 200,
    answer: LIMIT,
    run: async ({ author, body: { worker, tenant_id: tenantId, run_cap: runCap, rate } }) => {
      knownWorker(workers, worker);
      if (runCap === undefined && rate === undefined)
        throw new RaeError('RAE_USAGE', 'nothing to set: give run_cap or rate');
      if (rate !== undefined && tenantId === undefined)
        throw new RaeError('RAE_USAGE', 'rate: is of one tenant; give tenant_id');
      if (tenantId !== undefined) await tenants.show(tenantId);
      const paced = rate && { ...rate, burst: rate.burst ?? Math.max(1, Math.ceil(rate.runs / rate.seconds)) };
      const limit = await limits.set(tenantId, worker, { runCap, rate: paced }, author);
      const nothing = { run_cap: null, rate_runs: null, rate_seconds: null, burst: null };
      const gone = { tenant_id: tenantId ?? null, worker, ...nothing, owner: author.actor };
      return { body: limit === undefined ? gone : told(limit) };
    },
  });
  return [list, put];
}

function placeIn({ tenant_id: tenant, worker }: LimitRow): string {
  return `${tenant} ${worker}`;
}

function told({ tenant_id: tenant, worker, run_cap, rate_runs, rate_seconds, burst, owner }: LimitRow) {
  const of = tenant === EVERY_TENANT ? null : tenant;
  return { tenant_id: of, worker, run_cap, rate_runs, rate_seconds, burst, owner };
}
