import { isConflict } from '../db/sqlstate.ts';
import { type Backoff, backoffMs } from '../kernel/backoff.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { AdmittedRun, RunRef } from '../ledger/run-ledger.ts';
import type { Events } from '../observe/events.ts';
import { endOf } from './answer.ts';
import type { CataloguedWorker } from './catalogue.ts';
import { codePerformer } from './code-performer.ts';
import type { Performer, PerformerPorts } from './performer.ts';
import { type Departure, type RunEnd, UNKNOWN_PLAN } from './run-end.ts';
import { type StatementPerformer, statementPerformer } from './statement-performer.ts';
import { performTicket, type TicketAnswer } from './ticket-performer.ts';

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
const NO_COUNTS = Object.freeze({});

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

  /** Does one run. */
  async execute(worker: CataloguedWorker, run: AdmittedRun): Promise<Departure> {
    return this.#finish(worker, run, (settings) =>
      worker.definition.how.kind === 'statements'
        ? this.#byStatements(worker, settings, run)
        : this.#byCode(worker, settings, run),
    );
  }

  /**
   * Does the runs of a ticket, each in its own transaction; those of a statement in one call. One run's failure leaves
   * the others alone.
   * @param departed told of each run as soon as its end is durable, so that none waits for a longer one of its ticket.
   */
  async executeAll(
    worker: CataloguedWorker,
    runs: readonly AdmittedRun[],
    departed: (run: AdmittedRun, departure: Departure) => void,
  ): Promise<void> {
    const answers =
      worker.definition.how.kind === 'statements'
        ? // The whole call failed somewhere: one by one, those that were done by then lose the fence.
          await performTicket(this.#options, worker, this.#settings(worker), runs).catch(() => undefined)
        : undefined;
    const rest = new Map<string, (readonly [AdmittedRun, TicketAnswer | undefined])[]>();
    for (const [index, run] of runs.entries()) {
      const one = answers?.[index];
      const end = one !== undefined && 'answer' in one ? endOf(one.answer, run.attempt, true) : undefined;
      if (one !== undefined && end !== undefined) departed(run, this.#told(worker, run, end, one.ms));
      else rest.set(run.tenantId, [...(rest.get(run.tenantId) ?? []), [run, one]]);
    }
    // Tenant by tenant: two runs of one tenant at once would wait for each other's rows.
    const ofTenant = async (left: readonly (readonly [AdmittedRun, TicketAnswer | undefined])[]) => {
      for (const [run, one] of left) {
        departed(run, one === undefined ? await this.execute(worker, run) : await this.#answered(worker, run, one));
      }
    };
    await Promise.all([...rest.values()].map(ofTenant));
  }

  /** Gives back a run whose ticket was taken but not begun: the process drains, or the ticket is too old. */
  async handBack(run: AdmittedRun, reason: 'yielded' | 'ticket_expired' = 'yielded'): Promise<Departure> {
    const { ledger } = this.#options;
    // With Postgres away it is taken back when its lease runs out.
    const left = await ledger.settle(run, { state: 'owed', fresh: true, reason }).catch(() => false);
    return { ms: null, left };
  }

  /** Ends a run of a ticket by what the server answered for it; goes on with it where it is not at its end. */
  #answered(worker: CataloguedWorker, run: AdmittedRun, one: TicketAnswer): Promise<Departure> {
    const perform = (settings: unknown): Promise<RunEnd> =>
      'error' in one
        ? Promise.reject(statementError(one.error))
        : this.#byStatements(worker, settings, run, one.answer);
    return this.#finish(worker, run, perform, one.ms);
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
  ): Promise<Departure> {
    const { clock } = this.#options;
    const started = clock.monotonicMs();
    const end = await perform(this.#settings(worker)).catch((error: unknown) => this.#failed(worker, ref, error));
    return this.#told(worker, ref, end, spentMs + clock.monotonicMs() - started);
  }

  /** Tells those who watch how an attempt ended, which the ledger knows by now. */
  #told(worker: CataloguedWorker, ref: RunRef, end: RunEnd, ms: number): Departure {
    const { events } = this.#options;
    const { tenantId, runId } = ref;
    if (end.kind === 'unrecorded') return { ms, left: false };
    if (end.kind === 'lost') {
      events.emit('fence.lost', { tenantId, worker: worker.name, runId, attempt: ref.attempt });
      return { ms, left: false };
    }
    events.emit('run.finished', {
      tenantId,
      worker: worker.name,
      runId,
      attempt: end.attempt,
      outcome: end.kind,
      plan: end.plan,
      seconds: ms / 1_000,
      waitSeconds: end.waitMs / 1_000,
      counts: end.counts ?? NO_COUNTS,
      slot: end.slot,
      reason: end.reason,
    });
    return { ms: end.begun === false ? null : ms, left: true };
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
      return { kind: 'unrecorded' };
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
