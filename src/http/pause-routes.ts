import { z } from 'zod';
import { parseQueue } from '../../queues/names.ts';
import type { Clock } from '../kernel/clock.ts';
import { RaeError } from '../kernel/errors.ts';
import { PAUSED_ARRIVALS, type Pause, type PauseScope, scopeOfPause } from '../ledger/pause.ts';
import type { PauseBook } from '../ledger/pause-book.ts';
import type { TenantRegistry } from '../tenant/registry.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { knownWorker } from './known-worker.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';

const PAUSE = z.object({
  pause_id: z.uuid(),
  tenant_id: z.uuid().nullable(),
  worker: z.string().nullable(),
  queue: z.string().nullable(),
  arrivals: z.enum(PAUSED_ARRIVALS),
  aborts: z.boolean(),
  reason: z.string(),
  owner: z.string(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  lifted_at: z.iso.datetime().nullable(),
  lifted_by: z.string().nullable(),
});

/** Where the routes about pauses take what they need from. */
export interface PauseParts {
  readonly pauses: PauseBook;
  readonly tenants: TenantRegistry;
  readonly workers: readonly string[];
  readonly clock: Clock;
}

/** Pauses of a tenant, a worker, one worker of a tenant or a queue, as operators set and lift them. */
export function pauseRoutes(parts: PauseParts): readonly Route[] {
  return [listed(parts), paused(parts), lifted(parts)];
}

const listed = ({ pauses }: PauseParts) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/pauses',
    does: 'Lists what is paused: by whom, why, and until when; with all=true also what was.',
    permission: 'fleet:read',
    query: z.strictObject({ ...PAGE, all: z.enum(['true', 'false']).default('false') }),
    status: 200,
    answer: z.object({ pauses: z.array(PAUSE), next: z.string().nullable() }),
    run: async ({ query: { limit, cursor, all } }) => {
      const [after] = placeOf(FLEET, cursor, [z.uuid()]);
      const found = await pauses.list({ lifted: all === 'true', limit: limit + 1, after });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return { body: { pauses: page.map(told), next: last === undefined ? null : cursorOf(FLEET, [last.pause_id]) } };
    },
  });

const paused = (parts: PauseParts) =>
  operatorRoute({
    method: 'POST',
    path: '/v1/pauses',
    does: 'Pauses a tenant, a worker, one worker of a tenant or a queue: when this answers nothing more of it begins.',
    permission: 'fleet:write',
    body: z.strictObject({
      tenant_id: z.uuid().optional(),
      worker: z.string().min(1).max(100).optional(),
      queue: z.string().min(1).max(200).optional(),
      arrivals: z.enum(PAUSED_ARRIVALS).default('keep'),
      abort: z.boolean().default(false),
      reason: z.string().trim().min(1).max(500),
      expires_at: GIVEN_INSTANT.optional(),
    }),
    status: 201,
    answer: PAUSE.extend({
      taken_back: z.int(),
      aborted: z.int(),
      still_running: z.int().describe('each is taken back when its step has ended'),
    }),
    run: async ({ author, body: { arrivals, abort: aborts, reason, expires_at: end, ...named } }) => {
      const scope = await scopeOf(parts, named);
      const expiresAt = end === undefined ? undefined : new Date(end);
      if (expiresAt !== undefined && expiresAt <= parts.clock.now())
        throw new RaeError('RAE_USAGE', `expires_at: ${end} is over; expected an instant to come`);
      const begun = await parts.pauses.pause({ ...scope, arrivals, aborts, reason, expiresAt }, author);
      const running = aborts ? await parts.pauses.abort() : 0;
      const taken = { taken_back: begun.queued, aborted: begun.running, still_running: running };
      return { body: { ...told(begun.pause), ...taken } };
    },
  });

const lifted = ({ pauses }: PauseParts) =>
  operatorRoute({
    method: 'DELETE',
    path: '/v1/pauses/{pause_id}',
    does: 'Lifts a pause. What was kept goes on in fair order.',
    permission: 'fleet:write',
    params: z.strictObject({ pause_id: z.uuid() }),
    status: 200,
    answer: z.object({ pause_id: z.uuid(), lifted: z.literal(true) }),
    run: async ({ author, params: { pause_id: id } }) => {
      const pause = await pauses.find(id);
      const gone = pause === undefined ? [] : await pauses.resume(scopeOfPause(pause), author);
      if (gone.length === 0) throw new RaeError('RAE_NOT_FOUND', `no pause ${id} holds`);
      return { body: { pause_id: id, lifted: true } };
    },
  });

/** What is named, known to exist. @throws RaeError `RAE_USAGE`, `RAE_TENANT_UNKNOWN` */
async function scopeOf(
  { tenants, workers }: PauseParts,
  { tenant_id: tenantId, worker, queue }: { readonly [Name in 'tenant_id' | 'worker' | 'queue']?: string | undefined },
): Promise<PauseScope> {
  if (tenantId === undefined && worker === undefined && queue === undefined)
    throw new RaeError('RAE_USAGE', 'nothing to pause: name a queue, or tenant_id, worker or both');
  if (queue !== undefined && (tenantId !== undefined || worker !== undefined))
    throw new RaeError('RAE_USAGE', 'queue: is of one worker already; name it alone');
  const of = queue === undefined ? worker : parseQueue(queue)?.worker;
  if (queue !== undefined && of === undefined)
    throw new RaeError('RAE_USAGE', 'queue: is no name of a queue; expected one such as rae.decay.p00');
  if (of !== undefined) knownWorker(workers, of);
  if (tenantId !== undefined) await tenants.show(tenantId);
  return { tenantId, worker: of, queue };
}

function told(pause: Pause) {
  const { tenantId = null, worker = null, queue = null } = scopeOfPause(pause);
  const { pause_id, arrivals, aborts, reason, owner, created_at, expires_at, lifted_at, lifted_by } = pause;
  const of = { pause_id, tenant_id: tenantId, worker, queue };
  return { ...of, arrivals, aborts, reason, owner, created_at, expires_at, lifted_at, lifted_by };
}
