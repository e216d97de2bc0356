import type { TenantContext } from '../../src/db/tenant-context.ts';
import { type Answer, type AnswerRow, answerOf } from '../../src/fleet/answer.ts';
import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import { performTicket } from '../../src/fleet/ticket-performer.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { performerPorts } from './executor.ts';

/** One call of the fused function. */
export interface PerformCall {
  readonly tenantId: string;
  readonly runId: string;
  readonly attempt: number;
  /** What the ticket says besides; default 0 and null, as of a run without payload whose tenant was never moved. */
  readonly epoch?: number;
  readonly payloadHash?: string | null;
  /** Default true: the call claims the run. */
  readonly fresh?: boolean;
  /** The parsed policy; left out, the function takes the stored or the default one itself. */
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly fingerprint?: string;
  readonly servesSuspended?: boolean;
}

/** Which of a worker's two ways a fresh run goes: the function for one run, or the procedure for a ticket. */
export type Way = 'alone' | 'in a ticket';

/** Calls a worker's claim, effect and finish as one, as its process does. */
export class Performing {
  readonly worker: CataloguedWorker;
  readonly tenants: TenantContext;
  readonly #way: Way;

  constructor(worker: CataloguedWorker, tenants: TenantContext, way: Way) {
    this.worker = worker;
    this.tenants = tenants;
    this.#way = way;
  }

  /** One step. */
  async step(call: PerformCall): Promise<Answer> {
    const { performFunction, defaultPolicy, definition } = this.worker;
    if (performFunction === undefined) throw new Error(`${this.worker.name} has no statement for an effect`);
    const settings = definition.contract.settings.parse(call.settings ?? {});
    // The rest of a large run, and one whose policy was parsed by its process, go the way of one run in either case.
    if (this.#way === 'in a ticket' && call.fresh !== false && call.policy === undefined) return this.#inTicket(call);
    const [row] = await this.tenants.call<AnswerRow>(call.tenantId, performFunction.call, [
      call.runId,
      call.attempt,
      call.epoch ?? 0,
      call.payloadHash ?? null,
      call.fresh ?? true,
      30_000,
      call.policy === undefined ? null : JSON.stringify({ effective: call.policy }),
      JSON.stringify(defaultPolicy),
      call.fingerprint ?? this.worker.fingerprint,
      JSON.stringify(settings),
      call.servesSuspended ?? definition.when.servesSuspended,
    ]);
    if (row === undefined) throw new Error('the function gave no row');
    return answerOf(row);
  }

  async #inTicket({ fingerprint, servesSuspended, settings, ...run }: PerformCall): Promise<Answer> {
    const { definition } = this.worker;
    const when = { ...definition.when, servesSuspended: servesSuspended ?? definition.when.servesSuspended };
    const worker = {
      ...this.worker,
      fingerprint: fingerprint ?? this.worker.fingerprint,
      definition: { ...definition, when },
    };
    const ticketed = { ...run, epoch: run.epoch ?? 0, payloadHash: run.payloadHash ?? null };
    const [answer] = await performTicket(
      performerPorts(this.tenants),
      worker,
      definition.contract.settings.parse(settings ?? {}),
      [ticketed],
    );
    if (answer === undefined) throw new Error('the procedure gave no answer');
    if ('answer' in answer) return answer.answer;
    throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
  }

  /** Steps until there is no more, or `steps` times as a worker that is killed then. */
  async run(call: PerformCall, steps = Number.POSITIVE_INFINITY): Promise<Answer> {
    let answer = await this.step(call);
    for (let taken = 1; answer.status === 'more' && taken < steps; taken += 1) {
      answer = await this.step({ ...call, attempt: call.attempt + (call.fresh === false ? 0 : 1), fresh: false });
    }
    return answer;
  }
}

/** The worker of this name, ready to be performed through `tenants`. */
export async function performing(name: string, tenants: TenantContext, way: Way = 'alone'): Promise<Performing> {
  return new Performing((await loadCatalogue()).get(name), tenants, way);
}
