import type { AdmittedRun } from '../ledger/run-ledger.ts';
import { type Answer, type AnswerRow, answerOf, endOf } from './answer.ts';
import type { CataloguedWorker } from './catalogue.ts';
import type { Performer, PerformerPorts } from './performer.ts';
import { readPolicy } from './policy-reading.ts';
import type { RunEnd } from './run-end.ts';

/** Performs a run whose effect is a statement; `first` is an answer that was had already, as one of a whole ticket. */
export type StatementPerformer = (...run: [...Parameters<Performer>, first?: Answer]) => Promise<RunEnd>;

/** Performs runs of workers whose effect is a statement: claim, effect and finish are one call, more only for large tenants. */
export function statementPerformer(ports: PerformerPorts): StatementPerformer {
  return async (worker, settings, ref, first) => {
    const started = ports.clock.monotonicMs();
    let attempt = ref.attempt;
    let fresh = true;
    let policy: string | null = null;
    for (let had = first; ; had = undefined) {
      const answer: Answer = had ?? (await call(ports, worker, settings, { ...ref, attempt }, fresh, policy));
      const end = endOf(answer, attempt, fresh);
      if (end !== undefined) return end;
      switch (answer.status) {
        case 'policy': {
          const read = readPolicy(worker, answer.document);
          if ('effective' in read) {
            policy = JSON.stringify({ effective: read.effective, of: answer.of });
            break;
          }
          const settlement = { state: 'dead', fresh, reason: 'policy_invalid', error: read.mistakes } as const;
          if (!(await ports.ledger.settle({ ...ref, attempt }, settlement))) return { kind: 'lost' };
          return { kind: 'dead', attempt, plan: answer.plan, waitMs: 0, reason: 'policy_invalid' };
        }
        case 'more': {
          if (fresh) attempt += 1;
          fresh = false;
          const { plan, waitMs } = answer;
          const tooLong = ports.clock.monotonicMs() - started > ports.sliceMs;
          if (!tooLong && !ports.draining()) break;
          if (!(await ports.ledger.settle({ ...ref, attempt }, { state: 'owed', reason: 'yielded' })))
            return { kind: 'lost' };
          return { kind: 'yielded', attempt, plan, waitMs };
        }
      }
    }
  };
}

async function call(
  ports: PerformerPorts,
  worker: CataloguedWorker,
  settings: unknown,
  ref: AdmittedRun,
  fresh: boolean,
  policy: string | null,
): Promise<Answer> {
  const { definition, performFunction, defaultPolicy, fingerprint } = worker;
  if (performFunction === undefined) return { status: 'lost' };
  const values = [
    ref.runId,
    ref.attempt,
    ref.epoch,
    ref.payloadHash,
    fresh,
    ports.leaseMs,
    policy,
    JSON.stringify(defaultPolicy),
    fingerprint,
    JSON.stringify(settings),
    definition.when.servesSuspended,
  ];
  const [row] = await ports.steps(() => ports.tenants.call<AnswerRow>(ref.tenantId, performFunction.call, values));
  return row === undefined ? { status: 'lost' } : answerOf(row);
}
