import type { TenantContext } from '../../src/db/tenant-context.ts';
import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import { loadCatalogue } from '../../workers/index.ts';

/** What the fused function of a worker answers; see src/fleet/perform.sql. */
export interface Answer {
  readonly status: 'done' | 'more' | 'lost' | 'skipped' | 'policy';
  readonly attempt?: number;
  readonly counts?: Record<string, number>;
  readonly reason?: string;
  readonly document?: unknown;
}

/** One call of the fused function. */
export interface PerformCall {
  readonly tenantId: string;
  readonly runId: string;
  readonly attempt: number;
  /** Default true: the call claims the run. */
  readonly fresh?: boolean;
  /** The parsed policy; left out, the function takes the stored or the default one itself. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly fingerprint?: string;
  readonly servesSuspended?: boolean;
}

/** Calls a worker's claim, effect and finish as one function, as its process does. */
export class Performing {
  readonly worker: CataloguedWorker;
  readonly tenants: TenantContext;

  constructor(worker: CataloguedWorker, tenants: TenantContext) {
    this.worker = worker;
    this.tenants = tenants;
  }

  /** One step. */
  async step(call: PerformCall): Promise<Answer> {
    const { performFunction, defaultPolicy, definition } = this.worker;
    if (performFunction === undefined) throw new Error(`${this.worker.name} has no statement for an effect`);
    const settings = definition.contract.settings.parse(call.settings ?? {});
    const [row] = await this.tenants.call<{ result: Answer }>(call.tenantId, performFunction.call, [
      call.runId,
      call.attempt,
      call.fresh ?? true,
      30_000,
      call.policy === undefined ? null : JSON.stringify(call.policy),
      JSON.stringify(defaultPolicy),
      call.fingerprint ?? this.worker.fingerprint,
      JSON.stringify(settings),
      call.servesSuspended ?? definition.when.servesSuspended,
    ]);
    if (row === undefined) throw new Error('the function gave no row');
    return row.result;
  }

  /** Steps until there is no more, or `steps` times as a worker that is killed then. */
  async run(call: PerformCall, steps = Number.POSITIVE_INFINITY): Promise<Answer> {
    let answer = await this.step(call);
    for (let taken = 1; answer.status === 'more' && taken < steps; taken += 1) {
      answer = await this.step({ ...call, attempt: answer.attempt ?? 0, fresh: false });
    }
    return answer;
  }
}

/** The worker of this name, ready to be performed through `tenants`. */
export async function performing(name: string, tenants: TenantContext): Promise<Performing> {
  return new Performing((await loadCatalogue()).get(name), tenants);
}
