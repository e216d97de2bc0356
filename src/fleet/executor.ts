import { isConflict } from '../db/sqlstate.ts';
import { type Backoff, backoffMs } from '../kernel/backoff.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { RunRef } from '../ledger/run-ledger.ts';
import type { Events } from '../observe/events.ts';
import type { CataloguedWorker } from './catalogue.ts';
import { codePerformer } from './code-performer.ts';
import type { Performer, PerformerPorts } from './performer.ts';
import { type RunEnd, UNKNOWN_PLAN } from './run-end.ts';
import { type Answer, type StatementPerformer, statementPerformer } from './statement-performer.ts';
import { performTicket } from './ticket-performer.ts';

/** What an executor is made of. */
export interface ExecutorOptions extends PerformerPorts {
  readonly events: Events;
  readonly backoff: Backoff;
  /** After so many throws a run is dead. */
  readonly maxFailures: number;
  /** In [0, 1); spreads retries. */
  readonly random: () => number;
  /** Operator settings by worker name, checked. */
  readonly settings: ReadonlyMap<string, unknown>;
}

const ERROR_LENGTH = 2_000;

/**
 * Does one run of a ticket: claim → policy → effect → record, and makes of every way it can end a move in the ledger
 * and an event. Never rejects: what cannot even be recorded is taken back by the ledger when the lease runs out.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #byStatements: StatementPerformer;
  readonly #byCode: Performer;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#byStatements = statementPerformer(options);
    this.#byCode = codePerformer(options);
  }

  /** Does one run. @returns the ms it took. */
  async execute(worker: CataloguedWorker, ref: RunRef): Promise<number> {
    return this.#finish(worker, ref, (settings) =>
      worker.definition.how.kind === 'statements'
        ? this.#byStatements(worker, settings, ref)
        : this.#byCode(worker, settings, ref),
    );
  }

  /**
   * Does the runs of a ticket, each in its own transaction; those of a statement in one call. One run's failure leaves
   * the others alone. @returns the ms each of them took.
   */
  async executeAll(worker: CataloguedWorker, refs: readonly RunRef[]): Promise<readonly number[]> {
    const [only] = refs;
    if (refs.length === 1 && only !== undefined) return [await this.execute(worker, only)];
    const answers =
      worker.definition.how.kind === 'statements'
        ? await performTicket(this.#options, worker, this.#settings(worker), refs).catch(() => undefined)
        : undefined;
    const took: number[] = [];
    for (const [index, ref] of refs.entries()) {
      const one = answers?.[index];
      // Without an answer the whole call failed somewhere: one by one, those that were done by then lose the fence.
      if (one === undefined) took.push(await this.execute(worker, ref));
      else if ('error' in one)
        took.push(await this.#finish(worker, ref, () => Promise.reject(statementError(one.error)), one.ms));
      else
        took.push(
          await this.#finish(worker, ref, (settings) => this.#answered(worker, settings, ref, one.answer), one.ms),
        );
    }
    return took;
  }

  /** Gives back a run whose ticket was taken but not begun: the process drains, or the ticket is too old. */
  async handBack(ref: RunRef, reason: 'yielded' | 'ticket_expired' = 'yielded'): Promise<void> {
    await this.#options.ledger.settle(ref, { state: 'owed', fresh: true, reason }).catch(() => false);
  }

  #answered(worker: CataloguedWorker, settings: unknown, ref: RunRef, answer: Answer): Promise<RunEnd> {
    return this.#byStatements(worker, settings, ref, answer);
  }

  #settings(worker: CataloguedWorker): unknown {
    return this.#options.settings.get(worker.name) ?? {};
  }

  /** Ends one attempt: what `perform` came to, or its failure, is in the ledger and told. `spentMs` were spent before. */
  async #finish(
    worker: CataloguedWorker,
    ref: RunRef,
    perform: (settings: unknown) => Promise<RunEnd>,
    spentMs = 0,
  ): Promise<number> {
    const { clock, events } = this.#options;
    const started = clock.monotonicMs();
    const about = { tenantId: ref.tenantId, worker: worker.name, runId: ref.runId };
    const end = await perform(this.#settings(worker)).catch((error: unknown) => this.#failed(worker, ref, error));
    const ms = spentMs + clock.monotonicMs() - started;
    if (end.kind === 'lost') {
      events.emit('fence.lost', { ...about, attempt: ref.attempt });
      return ms;
    }
    events.emit('run.finished', {
      ...about,
      attempt: end.attempt,
      outcome: end.kind,
      plan: end.plan,
      seconds: ms / 1_000,
      waitSeconds: end.waitMs / 1_000,
      counts: end.counts ?? {},
      ...(end.slot === undefined ? {} : { slot: end.slot }),
      ...(end.reason === undefined ? {} : { reason: end.reason }),
    });
    return ms;
  }

  async #failed(worker: CataloguedWorker, ref: RunRef, error: unknown): Promise<RunEnd> {
    const { ledger, backoff, random, maxFailures, events } = this.#options;
    if (error instanceof RaeError && error.code === 'RAE_FENCE_LOST') return { kind: 'lost' };
    const message = messageOf(error).slice(0, ERROR_LENGTH);
    const about = { tenantId: ref.tenantId, worker: worker.name, runId: ref.runId, attempt: ref.attempt };
    const code = codeOf(error);
    try {
      const conflict = isConflict(error);
      const failures = (await ledger.failures(ref)) + (conflict ? 0 : 1);
      const dead = failures >= maxFailures;
      // A lost race with another transaction says nothing against the run: soon again, and not counted.
      const afterMs = conflict ? 20 + 180 * random() : backoffMs(backoff, failures, random());
      const settlement = {
        ...(dead ? { state: 'dead' as const } : { state: 'owed' as const, afterMs }),
        reason: dead ? 'failed' : conflict ? 'conflict' : 'retry',
        error: `${code}: ${message}`,
        failed: !conflict,
      };
      // A statement's claim was rolled back with its effect; code claims in a transaction of its own.
      const held =
        (await ledger.settle(ref, { ...settlement, fresh: true })) ||
        (await ledger.settle({ ...ref, attempt: ref.attempt + 1 }, settlement));
      if (!held) return { kind: 'lost' };
      events.emit('run.failed', { ...about, failures, code, message, retryInMs: dead ? null : Math.round(afterMs) });
      const reason = settlement.reason;
      return { kind: dead ? 'dead' : 'retried', attempt: ref.attempt + 1, plan: UNKNOWN_PLAN, waitMs: 0, reason };
    } catch (unrecorded) {
      // Postgres is away: the run's lease runs out and it is taken back then.
      events.emit('run.failed', { ...about, failures: 0, code, message: messageOf(unrecorded), retryInMs: null });
      return { kind: 'retried', attempt: ref.attempt, plan: UNKNOWN_PLAN, waitMs: 0, reason: 'unrecorded' };
    }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof RaeError) return error.code;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'RAE_INTERNAL';
}

/** An error that the server caught for one run of a ticket, as if it had been thrown here. */
function statementError({ code, message }: { readonly code: string; readonly message: string }): Error {
  return Object.assign(new Error(message), { code });
}
