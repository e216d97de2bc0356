import type { Counts } from '../kernel/outcome.ts';
import type { RunRef } from '../ledger/run-ledger.ts';
import type { CataloguedWorker } from './catalogue.ts';
import type { Performer, PerformerPorts } from './performer.ts';
import { readPolicy } from './policy-reading.ts';
import type { RunEnd } from './run-end.ts';

/** What the fused function answers; see perform.sql. */
export type Answer =
  | { readonly status: 'lost' }
  | { readonly status: 'skipped'; readonly reason: string; readonly plan: string }
  | { readonly status: 'policy'; readonly document: unknown; readonly plan: string }
  | { readonly status: 'more'; readonly attempt: number; readonly plan: string; readonly waitMs: number }
  | {
      readonly status: 'done';
      readonly attempt: number;
      readonly plan: string;
      readonly waitMs: number;
      readonly counts: Counts | null;
    };

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
      const answer = had ?? (await call(ports, worker, settings, { ...ref, attempt }, fresh, policy));
      switch (answer.status) {
        case 'lost':
          return { kind: 'lost' };
        case 'skipped':
          return { kind: 'skipped', attempt, plan: answer.plan, waitMs: 0, reason: answer.reason };
        case 'policy': {
          const read = readPolicy(worker, answer.document);
          if ('effective' in read) {
            policy = JSON.stringify(read.effective);
            break;
          }
          const settlement = { state: 'dead', fresh, reason: 'policy_invalid', error: read.mistakes } as const;
          if (!(await ports.ledger.settle({ ...ref, attempt }, settlement))) return { kind: 'lost' };
          return { kind: 'dead', attempt, plan: answer.plan, waitMs: 0, reason: 'policy_invalid' };
        }
        case 'more': {
          ({ attempt } = answer);
          fresh = false;
          const { plan, waitMs } = answer;
          const tooLong = ports.clock.monotonicMs() - started > ports.sliceMs;
          if (!tooLong && !ports.draining()) break;
          if (!(await ports.ledger.settle({ ...ref, attempt }, { state: 'owed', reason: 'yielded' })))
            return { kind: 'lost' };
          return { kind: 'yielded', attempt, plan, waitMs };
        }
        case 'done': {
          const { plan, waitMs, counts } = answer;
          return { kind: 'done', attempt: answer.attempt, plan, waitMs, counts: counts ?? {} } satisfies RunEnd;
        }
      }
    }
  };
}

async function call(
  ports: PerformerPorts,
  worker: CataloguedWorker,
  settings: unknown,
  ref: RunRef,
  fresh: boolean,
  policy: string | null,
): Promise<Answer> {
  const { definition, performFunction, defaultPolicy, fingerprint } = worker;
  if (performFunction === undefined) return { status: 'lost' };
  const values = [
    ref.runId,
    ref.attempt,
    fresh,
    ports.leaseMs,
    policy,
    JSON.stringify(defaultPolicy),
    fingerprint,
    JSON.stringify(settings),
    definition.when.servesSuspended,
  ];
  const [row] = await ports.steps(() =>
    ports.tenants.call<{ result: Answer }>(ref.tenantId, performFunction.call, values),
  );
  return row?.result ?? { status: 'lost' };
}
