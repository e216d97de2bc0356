import { type Decision, decide } from '../../workers/trigger-evaluation/evaluation.ts';
import { RuleHistory } from '../../workers/trigger-evaluation/history.ts';
import type { Rule } from '../../workers/trigger-evaluation/rule.ts';
import type { RuleBook } from '../tenant/rule-book.ts';
import { ruleEvent } from './event-source.ts';

/** Which events a rule is run over. */
export interface Replay {
  readonly book: RuleBook;
  readonly tenant: string;
  readonly rule: Rule;
  readonly from: Date;
  readonly to: Date;
  /** How many firings are kept: the newest. */
  readonly limit: number;
}

/** What the rule would have done. */
export interface Replayed {
  readonly events: number;
  readonly fired: number;
  readonly held: Readonly<Record<'window' | 'cooldown' | 'rate', number>>;
  readonly firings: readonly Decision[];
}

/** Runs the rule over the events that were consumed, in their order and with an empty memory. Writes nothing. */
export async function replayed({ book, tenant, rule, from, to, limit }: Replay): Promise<Replayed> {
  const active = { id: 'replayed', version: 0, rule, history: new RuleHistory() };
  const held = { window: 0, cooldown: 0, rate: 0 };
  const firings: Decision[] = [];
  let [events, fired] = [0, 0];
  for await (const page of book.past(tenant, from, to)) {
    events += page.length;
    for (const decision of page.map((recorded) => decide(active, ruleEvent(recorded)))) {
      if (decision?.held !== undefined) held[decision.held] += 1;
      if (decision === undefined || decision.held !== undefined) continue;
      fired += 1;
      firings.push(decision);
      if (firings.length > limit) firings.shift();
    }
  }
  return { events, fired, held, firings };
}
