import type { z } from 'zod';
import { done, type Outcome, type Run, worker, yielded } from '../../src/fleet/worker.ts';
import { ActiveRules } from './active-rules.ts';
import { consume } from './consumption.ts';
import { triggerEvaluation } from './contract.ts';
import { sql } from './sql.ts';

/** A run makes room after so long, in ms: what is left is owed again. */
const SLICE_MS = 5_000;
/** How many old numbers of events go at the end of a run. */
const PRUNED_AT_ONCE = 1_000;

type Policy = z.output<typeof triggerEvaluation.policy>;
type Settings = z.output<typeof triggerEvaluation.settings>;

/** What the run did so far; kept from step to step. */
interface Totals {
  readonly events: number;
  readonly fired: number;
  readonly held: number;
  readonly rules_disabled: number;
}

const NOTHING: Totals = { events: 0, fired: 0, held: 0, rules_disabled: 0 };

/** Consumes until nothing waits. Every step consumes, evaluates, acts and records in one transaction. */
async function perform(run: Run<Policy, unknown, Settings>): Promise<Outcome> {
  const rules = new ActiveRules();
  const started = performance.now();
  let totals = (run.progress as Totals | undefined) ?? NOTHING;
  for (;;) {
    if (run.signal.aborted || performance.now() - started > SLICE_MS) return yielded();
    const step = await run.step(async (tx, keep) => {
      const consumed = await consume(tx, run.tenantId, rules, run.settings);
      const sum: Totals = {
        events: totals.events + consumed.events,
        fired: totals.fired + consumed.fired,
        held: totals.held + consumed.held,
        rules_disabled: totals.rules_disabled + consumed.broken,
      };
      keep(sum);
      if (consumed.more) return { sum, last: consumed.last };
      await tx.rows(sql.statements.prune, [run.tenantId, run.policy.keep_days, PRUNED_AT_ONCE]);
      return done({ ...sum });
    });
    if ('kind' in step) return step;
    totals = step.sum;
    rules.consumedTo(step.last);
  }
}

export default worker({
  contract: triggerEvaluation,
  when: {
    catchUp: 'coalesce',
    listens: [],
    // Long enough to take what belongs together in one go, and not felt by who waits for a message.
    wakes: { on: ['event'], afterMs: 200 },
    servesSuspended: false,
    estimateMs: 20,
  },
  sql,
  perform,
});
