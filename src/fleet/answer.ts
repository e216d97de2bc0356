import type { Row } from '../db/database.ts';
import type { Counts } from '../kernel/outcome.ts';
import type { HandBackReason } from '../ledger/run-ledger.ts';
import type { RunEnd } from './run-end.ts';

/** What the fused function answers for a run; see perform.sql. */
export type Answer =
  | { readonly status: 'lost' }
  | { readonly status: 'skipped'; readonly reason: string; readonly plan: string }
  | { readonly status: 'handed_back'; readonly reason: HandBackReason; readonly plan: string }
  | { readonly status: 'policy'; readonly document: unknown; readonly of: string; readonly plan: string }
  | { readonly status: 'more'; readonly plan: string; readonly waitMs: number }
  | { readonly status: 'done'; readonly plan: string; readonly waitMs: number; readonly counts: Counts | null };

/** The columns that it comes in. */
export interface AnswerRow extends Row {
  readonly status: Answer['status'];
  readonly plan: string | null;
  readonly wait_ms: number | null;
  readonly detail: unknown;
}

/** The answer in the words of the code. */
export function answerOf(row: Pick<AnswerRow, 'status' | 'plan' | 'wait_ms' | 'detail'>): Answer {
  const { status, detail } = row;
  const plan = row.plan ?? '';
  switch (status) {
    case 'lost':
      return { status };
    case 'done':
      return { status, plan, waitMs: row.wait_ms ?? 0, counts: detail as Counts | null };
    case 'more':
      return { status, plan, waitMs: row.wait_ms ?? 0 };
    case 'policy':
      return { status, plan, ...(detail as { readonly document: unknown; readonly of: string }) };
    case 'skipped':
      return { status, plan, reason: detail as string };
    case 'handed_back':
      return { status, plan, reason: detail as HandBackReason };
  }
}

/**
 * How the run has left by this answer; undefined where it goes on.
 * @param attempt the one that the call named · @param fresh whether the call was to claim it.
 */
export function endOf(answer: Answer, attempt: number, fresh: boolean): RunEnd | undefined {
  switch (answer.status) {
    case 'lost':
      return { kind: 'lost' };
    case 'done': {
      const { plan, waitMs, counts } = answer;
      return { kind: 'done', attempt: fresh ? attempt + 1 : attempt, plan, waitMs, counts: counts ?? NOTHING };
    }
    case 'skipped':
      return { kind: 'skipped', attempt, plan: answer.plan, waitMs: 0, reason: answer.reason };
    case 'handed_back':
      return { kind: 'yielded', attempt, plan: answer.plan, waitMs: 0, reason: answer.reason, begun: false };
    default:
      return undefined;
  }
}

const NOTHING: Counts = Object.freeze({});
