import { RaeApiError } from './api-error.ts';
import { Caller, type ClientOptions } from './caller.ts';
import type { EnqueueOptions, Payloads, RunRequest } from './payloads.ts';

export { RaeApiError } from './api-error.ts';
export type { ClientOptions } from './caller.ts';
export type { EnqueueOptions, Payloads, PayloadsOf, RunRequest } from './payloads.ts';
export { enqueueIn, type TransactionClient } from './transaction.ts';

/** Where a run stands. */
export interface Run {
  readonly run_id: string;
  readonly worker: string;
  readonly origin: string;
  readonly slot: string | null;
  readonly state: 'owed' | 'queued' | 'running' | 'done' | 'skipped' | 'dead';
  readonly attempt: number;
  readonly failures: number;
  readonly reason: string | null;
  readonly error: string | null;
  /** What it changed. */
  readonly counts: Readonly<Record<string, unknown>> | null;
  readonly available_at: string;
  readonly priority: number;
  readonly deadline: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

/** Why a run stands where it stands. */
export interface RunReason {
  readonly run_id: string;
  readonly state: Run['state'];
  /** Stable: see docs/architecture.md. */
  readonly code: string;
  readonly says: string;
  readonly [fact: string]: unknown;
}

/** What became of one of several requests. */
export type RunResult = { readonly runId: string } | { readonly error: RaeApiError };

interface Within {
  readonly signal?: AbortSignal | undefined;
}

/** A tenant's fleet, over HTTP. `All` says what runs carry; a wrong payload does not compile. */
export class RaeClient<All = Payloads> {
  readonly #caller: Caller;

  constructor(options: ClientOptions) {
    this.#caller = new Caller(options);
  }

  /**
   * Asks for a run. However often it is sent on the way, one run comes of it. @returns its id
   * @throws RaeApiError
   */
  async enqueue<Worker extends keyof All & string>(
    worker: Worker,
    ...[payload, options = {}]: Record<string, never> extends All[Worker]
      ? [payload?: All[Worker], options?: EnqueueOptions & Within]
      : [payload: All[Worker], options?: EnqueueOptions & Within]
  ): Promise<string> {
    const { idempotencyKey = crypto.randomUUID(), signal } = options;
    const { body } = await this.#caller.send({
      method: 'POST',
      path: '/v1/runs',
      body: { worker, payload: payload ?? {}, ...when(options) },
      headers: { 'idempotency-key': idempotencyKey },
      ...{ repeatable: true, signal },
    });
    return (body as { run_id: string }).run_id;
  }

  /** Asks for up to 500 runs at once, each with a result of its own, in their order. @throws RaeApiError */
  async enqueueMany(requests: readonly RunRequest<All>[], { signal }: Within = {}): Promise<readonly RunResult[]> {
    const runs = requests.map(({ worker, payload, idempotencyKey = crypto.randomUUID(), ...options }) => ({
      ...{ worker, payload: payload ?? {}, idempotency_key: idempotencyKey },
      ...when(options),
    }));
    const sent = { method: 'POST', path: '/v1/runs:batch', body: { runs }, repeatable: true, signal } as const;
    const { body } = await this.#caller.send(sent);
    type Problem = { readonly detail: string; readonly status: number; readonly code: string; readonly hint?: string };
    type Item = { readonly run_id: string } | { readonly problem: Problem };
    return (body as { readonly results: readonly Item[] }).results.map((item) =>
      'run_id' in item
        ? { runId: item.run_id }
        : { error: new RaeApiError(item.problem.detail, { ...item.problem, hint: item.problem.hint }) },
    );
  }

  /** One run. @throws RaeApiError */
  async run(runId: string, within: Within = {}): Promise<Run> {
    return (await this.get(`/v1/runs/${encodeURIComponent(runId)}`, within)) as Run;
  }

  /** Why it stands where it stands. @throws RaeApiError */
  async why(runId: string, within: Within = {}): Promise<RunReason> {
    return (await this.get(`/v1/runs/${encodeURIComponent(runId)}/why`, within)) as RunReason;
  }

  /** Takes an owed run out of the work. @throws RaeApiError */
  async cancel(runId: string, { signal }: Within = {}): Promise<void> {
    const path = `/v1/runs/${encodeURIComponent(runId)}:cancel`;
    await this.#caller.send({ method: 'POST', path, repeatable: false, signal });
  }

  /** Makes a dead run owed again. @throws RaeApiError */
  async retry(runId: string, { signal }: Within = {}): Promise<void> {
    const path = `/v1/runs/${encodeURIComponent(runId)}:retry`;
    await this.#caller.send({ method: 'POST', path, repeatable: false, signal });
  }

  /** May so much be spent? @throws RaeApiError */
  async budgetAllows(estimateUsd: number, { project, signal }: Within & { readonly project?: string } = {}) {
    const query = new URLSearchParams({
      estimate_usd: String(estimateUsd),
      ...(project === undefined ? {} : { project }),
    });
    const path = `/v1/budget/check?${query}`;
    const { body } = await this.#caller.send({ method: 'GET', path, repeatable: true, signal, answers: [402] });
    return body as { readonly allowed: boolean; readonly reason: string; readonly remaining_usd: string | null };
  }

  /** Whatever else the API shows; see its OpenAPI document. @param path with its query @throws RaeApiError */
  async get(path: string, { signal }: Within = {}): Promise<unknown> {
    return (await this.#caller.send({ method: 'GET', path, repeatable: true, signal })).body;
  }
}

function when({ availableAt, priority, deadline }: EnqueueOptions) {
  return {
    ...(availableAt === undefined ? {} : { available_at: availableAt.toISOString() }),
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadline: deadline.toISOString() }),
  };
}
