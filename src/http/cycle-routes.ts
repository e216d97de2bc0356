import { z } from 'zod';
import type { Author } from '../audit/log.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { SECOND } from '../kernel/duration.ts';
import type { CycleBook } from '../schedule/cycle-book.ts';
import type { CommandedCycles, CycleCommand } from '../schedule/cycle-command.ts';
import type { TenantRegistry } from '../tenant/registry.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { knownWorker } from './known-worker.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';

const COUNTS = z.record(z.string(), z.number());
const WORKER = z.string().min(1).max(100);
const INSTANT = z.iso.datetime();
const CYCLE = z.object({
  worker: z.string(),
  slot: INSTANT,
  origin: z.string(),
  planned_at: INSTANT,
  total: z.int(),
  owed: z.int(),
  open: z.int(),
  done: z.int(),
  skipped: COUNTS.describe('by reason'),
  dead: z.int(),
  late: z.int(),
  changed: COUNTS,
  counted_at: INSTANT.nullable(),
  finished_at: INSTANT.nullable(),
});
const MADE = z.object({
  worker: z.string(),
  slots: z.array(INSTANT).describe('those that a schedule has in that time, the oldest first'),
  total: z.int().describe('runs that are new, the skipped ones among them'),
  owed: z.int(),
  skipped: z.int(),
  covered: z.int(),
});

/** Where the routes about cycles take what they need from. */
export interface CycleParts {
  readonly cycles: CycleBook;
  readonly tenants: TenantRegistry;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  /** Makes cycles in the name of whoever asks. */
  readonly commandOf: (author: Author) => CycleCommand;
}

/** Cycles, as operators look at them and make them. */
export function cycleRoutes(parts: CycleParts): readonly Route[] {
  return [listed(parts), shown(parts), ...made(parts)];
}

const listed = ({ cycles }: CycleParts) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/cycles',
    does: 'Lists cycles with what they owed, did and left, the newest slot first.',
    permission: 'fleet:read',
    query: z.strictObject({ ...PAGE, worker: WORKER.optional() }),
    status: 200,
    answer: z.object({ cycles: z.array(CYCLE.loose()), next: z.string().nullable() }),
    run: async ({ query: { limit, cursor, worker } }) => {
      const place = placeOf(FLEET, cursor, [GIVEN_INSTANT, z.string().regex(/^[a-z0-9-]{1,100}$/)]);
      const after = place.length === 2 ? ([place[0] ?? '', place[1] ?? ''] as const) : undefined;
      const found = await cycles.list(worker, limit + 1, after);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursorOf(FLEET, [last.slot.toISOString(), last.worker]);
      return { body: { cycles: page, next } };
    },
  });

const shown = ({ cycles, catalogue }: CycleParts) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/cycles/{worker}',
    does: 'Shows one cycle of a worker: that of the slot.',
    permission: 'fleet:read',
    params: z.strictObject({ worker: WORKER }),
    query: z.strictObject({ slot: GIVEN_INSTANT }),
    status: 200,
    answer: CYCLE.loose(),
    run: async ({ params, query }) => ({
      body: await cycles.show(knownWorker(catalogue.names, params.worker), new Date(query.slot)),
    }),
  });

function made({ tenants, catalogue, clock, commandOf }: CycleParts): readonly Route[] {
  const about = { worker: WORKER, tenant_id: z.uuid().optional().describe('only this tenant') };
  const meant = async ({ worker, tenant_id: only }: { worker: string; tenant_id?: string | undefined }) => {
    const one = catalogue.get(knownWorker(catalogue.names, worker));
    if (only !== undefined) await tenants.show(only);
    return one;
  };
  const run = operatorRoute({
    method: 'POST',
    path: '/v1/cycles',
    does: "Makes a worker's cycle for a slot of your choice (default: now, to the second); a slot that is there already gains nothing.",
    permission: 'fleet:write',
    body: z.strictObject({ ...about, at: GIVEN_INSTANT.optional() }),
    status: 202,
    answer: MADE,
    run: async ({ author, body }) => {
      const worker = await meant(body);
      const now = clock.now().getTime();
      const slot = new Date(body.at ?? now - (now % SECOND));
      return { body: told(worker.name, await commandOf(author).run(worker, slot, body.tenant_id)) };
    },
  });
  const backfill = operatorRoute({
    method: 'POST',
    path: '/v1/cycles:backfill',
    does: "Makes a worker's cycles for every slot of a time that has passed, by each tenant's own schedule.",
    permission: 'fleet:write',
    body: z.strictObject({ ...about, from: GIVEN_INSTANT, to: GIVEN_INSTANT }),
    status: 202,
    answer: MADE,
    run: async ({ author, body }) => {
      const worker = await meant(body);
      const [from, to] = [new Date(body.from), new Date(body.to)];
      return { body: told(worker.name, await commandOf(author).backfill(worker, from, to, body.tenant_id)) };
    },
  });
  return [run, backfill];
}

function told(worker: string, { slots, planned: { total, owed, skipped, covered } }: CommandedCycles) {
  return { worker, slots, total, owed, skipped, covered };
}
