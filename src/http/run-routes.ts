import { z } from 'zod';
import type { Catalogue } from '../fleet/catalogue.ts';
import { RaeError } from '../kernel/errors.ts';
import { HOLD_REASONS } from '../ledger/hold-reason.ts';
import { RUN_STATES } from '../ledger/run-state.ts';
import type { RunRequest, TenantRun, TenantRuns, TenantRunWhy } from '../ledger/tenant-runs.ts';
import { policyMistakes } from '../tenant/policy-mistakes.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { problemOf } from './problem.ts';
import { type Route, route } from './route.ts';

const KEY = z.string().min(1).max(255);
const REQUEST = z.strictObject({
  worker: z.string().min(1).max(100),
  payload: z.record(z.string(), z.unknown()).default({}),
  available_at: GIVEN_INSTANT.optional().describe('not before then'),
  priority: z
    .int()
    .min(0)
    .max(9)
    .optional()
    .describe("the highest first, among the tenant's runs of this worker; default 0"),
  deadline: GIVEN_INSTANT.optional().describe('skipped, with this reason, where it has not begun by then'),
});
const ITEM = REQUEST.extend({ idempotency_key: KEY.optional() });
const PARAMS = z.strictObject({ run_id: z.uuid() });
const INSTANT = z.iso.datetime().nullable();
const RUN = z.object({
  run_id: z.uuid(),
  worker: z.string(),
  origin: z.string(),
  slot: INSTANT,
  state: z.enum(RUN_STATES),
  attempt: z.int(),
  failures: z.int(),
  reason: z.string().nullable(),
  error: z.string().nullable(),
  counts: z.record(z.string(), z.unknown()).nullable(),
  available_at: INSTANT,
  priority: z.int(),
  deadline: INSTANT,
  created_at: INSTANT,
  started_at: INSTANT,
  finished_at: INSTANT,
});
const OWED = z.object({ run_id: z.uuid(), worker: z.string() });

/** Runs: asked for, listed, explained, cancelled and retried. */
export function runRoutes(runs: TenantRuns, catalogue: Catalogue): readonly Route[] {
  return [...asking(runs, catalogue), ...looking(runs), ...changing(runs)];
}

function asking(runs: TenantRuns, catalogue: Catalogue): readonly Route[] {
  const one = route({
    method: 'POST',
    path: '/v1/runs',
    does: 'Asks for a run of a worker.',
    permission: 'runs:write',
    body: REQUEST,
    status: 202,
    answer: OWED,
    run: async ({ principal, body, header }) => {
      const key = keyOf(header('idempotency-key'));
      const request = requestOf(catalogue, { ...body, idempotency_key: key });
      const [id] = await runs.enqueue(principal.tenantId, [request]);
      return { body: { run_id: id, worker: body.worker }, headers: { location: `/v1/runs/${id}` } };
    },
  });
  const batch = route({
    method: 'POST',
    path: '/v1/runs:batch',
    does: 'Asks for up to 500 runs, each with a result of its own.',
    permission: 'runs:write',
    body: z.strictObject({ runs: z.array(ITEM).min(1).max(500) }),
    mostBytes: 8 * 1024 * 1024,
    status: 202,
    answer: z.object({ results: z.array(z.union([OWED, z.object({ problem: z.unknown() })])) }),
    run: async ({ principal, author, body }) => {
      const requests = body.runs.map((item) => attempt(() => requestOf(catalogue, item)));
      const right = requests.flatMap((request) => ('value' in request ? [request.value] : []));
      const ids = [...(await enqueueEach(runs, principal.tenantId, right))];
      const results = requests.map((request) => {
        const result = 'value' in request ? ids.shift() : request;
        if (result !== undefined && 'value' in result) return result.value;
        return { problem: problemOf(result?.error, author.requestId) };
      });
      return { body: { results } };
    },
  });
  return [one, batch];
}

function looking(runs: TenantRuns): readonly Route[] {
  const query = z.strictObject({
    ...PAGE,
    worker: z.string().max(100).optional(),
    state: z.enum(RUN_STATES).optional(),
  });
  const list = route({
    method: 'GET',
    path: '/v1/runs',
    does: 'Lists runs, the newest first.',
    permission: 'runs:read',
    query,
    status: 200,
    answer: z.object({ runs: z.array(RUN), next: z.string().nullable() }),
    run: async ({ principal: { tenantId }, query: { limit, cursor, worker, state } }) => {
      const place = placeOf(tenantId, cursor, [GIVEN_INSTANT, z.uuid()]);
      const after = place.length === 2 ? ([place[0] ?? '', place[1] ?? ''] as const) : undefined;
      const found = await runs.list(tenantId, { worker, state, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursorOf(tenantId, [last.made, last.run_id]);
      return { body: { runs: page.map(({ made: _made, ...run }) => run), next } };
    },
  });
  const show = route({
    method: 'GET',
    path: '/v1/runs/{run_id}',
    does: 'Shows one run, with what it carries.',
    permission: 'runs:read',
    params: PARAMS,
    status: 200,
    answer: RUN.extend({ payload: z.unknown() }),
    run: async ({ principal, params }) => ({ body: await runs.find(principal.tenantId, params.run_id) }),
  });
  return [list, show, explaining(runs)];
}

const explaining = (runs: TenantRuns) =>
  route({
    method: 'GET',
    path: '/v1/runs/{run_id}/why',
    does: 'Says why a run stands where it stands, and how many of its worker come before it.',
    permission: 'runs:read',
    params: PARAMS,
    status: 200,
    answer: z.object({
      run_id: z.uuid(),
      worker: z.string(),
      state: z.enum(RUN_STATES),
      code: z.string().describe('stable; docs/architecture.md lists why runs are held'),
      says: z.string(),
      value: z.number().nullable().describe('what the code counts'),
      limit: z.number().nullable(),
      since: INSTANT,
      clears_at: INSTANT,
      before: z.int().describe('owed runs of the tenant and worker that come first'),
      expected_seconds: z
        .number()
        .nullable()
        .describe(
          'for those and itself, at the mean of the last 20 runs; null while something holds it, or none was done',
        ),
    }),
    run: async ({ principal, params }) => {
      const found = await runs.why(principal.tenantId, params.run_id);
      return { body: { run_id: params.run_id, ...explained(found) } };
    },
  });

function changing(runs: TenantRuns): readonly Route[] {
  const verb = (name: 'cancel' | 'retry', does: string) =>
    route({
      method: 'POST',
      path: `/v1/runs/{run_id}:${name}`,
      does,
      permission: 'runs:write',
      params: PARAMS,
      status: 200,
      answer: RUN,
      run: async ({ principal, author, params }) => {
        const { payload: _payload, ...run }: TenantRun = await runs[name](principal.tenantId, params.run_id, author);
        return { body: run };
      },
    });
  return [
    verb('cancel', 'Takes an owed run out of the work.'),
    verb('retry', 'Makes a dead run owed again; one of a slot is retried by operators.'),
  ];
}

function requestOf(catalogue: Catalogue, item: z.output<typeof ITEM>): RunRequest {
  const { worker, payload, available_at: availableAt, priority, deadline, idempotency_key: key } = item;
  const known = attempt(() => catalogue.get(worker));
  if ('error' in known)
    throw known.error instanceof RaeError
      ? new RaeError('RAE_USAGE', known.error.message, { hint: known.error.hint })
      : known.error;
  const mistakes = policyMistakes(known.value.definition.contract.payload, payload);
  if (mistakes.length > 0) throw new RaeError('RAE_PAYLOAD_INVALID', mistakes.join('; '));
  return { worker, payload, key, availableAt, priority, deadline };
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

/** All in one transaction; where one of them stands against it, each in its own. */
async function enqueueEach(runs: TenantRuns, tenantId: string, requests: readonly RunRequest[]) {
  const results: Attempt<{ run_id: string; worker: string }>[] = [];
  const owed = (id: string | undefined, at: number) => ({
    value: { run_id: id ?? '', worker: requests[at]?.worker ?? '' },
  });
  if (requests.length === 0) return results;
  try {
    return (await runs.enqueue(tenantId, requests)).map(owed);
  } catch (error) {
    if (!(error instanceof RaeError) || error.retryable) throw error;
  }
  for (const [at, request] of requests.entries()) {
    results.push(
      await runs.enqueue(tenantId, [request]).then(
        ([id]) => owed(id, at),
        (error: unknown) => ({ error }),
      ),
    );
  }
  return results;
}

function keyOf(given: string | undefined): string | undefined {
  if (given === undefined || KEY.safeParse(given).success) return given;
  throw new RaeError('RAE_USAGE', `the Idempotency-Key has ${given.length} characters; expected 1 to 255`);
}

function explained({ worker, state, reason, attempt: nth, hold, before, ...rest }: TenantRunWhy) {
  const { value, bound: limit, since, clears_at, mean_seconds: mean } = rest;
  // What is held waits for something that no mean knows.
  const expected = state === 'owed' && hold === null && mean !== null ? (before + 1) * mean : null;
  const facts = { worker, state, value, limit, since, clears_at, before, expected_seconds: expected };
  if (state === 'queued')
    return { ...facts, code: state, says: 'admitted; waits for a free place of a worker process' };
  if (state === 'running') return { ...facts, code: state, says: `attempt ${nth} has begun and not ended` };
  if (state !== 'owed') return { ...facts, code: reason ?? state, says: `is ${state}` };
  if (hold === null) return { ...facts, code: 'eligible', says: 'waits for its turn; nothing of this tenant holds it' };
  return { ...facts, code: hold, says: Reflect.get(HOLD_REASONS, hold) ?? hold };
}
