import { type ActionSettings, type Planned, planned } from '../../workers/trigger-evaluation/effect.ts';
import { reachOf } from '../../workers/trigger-evaluation/evaluation.ts';
import { type Explanation, explain } from '../../workers/trigger-evaluation/explanation.ts';
import { RuleHistory } from '../../workers/trigger-evaluation/history.ts';
import type { Rule } from '../../workers/trigger-evaluation/rule.ts';
import type { RuleBook, StoredRule } from '../tenant/rule-book.ts';
import type { TriedEvent } from './tried-event.ts';

/** A rule and the event it is tried on. */
export interface RuleTrial {
  readonly book: RuleBook;
  readonly tenant: string;
  readonly rule: Rule;
  /** Where the rule is a stored one: it remembers what it did. */
  readonly stored: StoredRule | undefined;
  readonly on: TriedEvent;
}

/** What a rule makes of an event, as it is told. */
export interface RuleTest extends Omit<Explanation, 'decision'> {
  readonly trigger_id: string | null;
  readonly rule_name: string;
  readonly event_id: string;
  readonly number: number | null;
  readonly actions: readonly { readonly type: string; readonly would: Planned['outcome'] }[];
}

/** Explains node by node what the rule makes of the event, and what it would do. Writes nothing. */
export async function testOf(
  { book, tenant, rule, stored, on }: RuleTrial,
  settings: ActionSettings,
): Promise<RuleTest> {
  const { event, number } = on;
  const reach = reachOf(rule);
  const seconds = Math.max(reach.matches, reach.firings);
  const before =
    stored === undefined || seconds === 0
      ? []
      : await book.history(tenant, stored, number, new Date(Math.floor(event.at / 1_000) - seconds * 1_000 - 1));
  const past = before.map((one) => ({ ...one, number: Number(one.number), at: Number(one.at) }));
  const history = () =>
    RuleHistory.of(
      past.filter(({ counts }) => counts),
      past.filter(({ fired }) => fired),
    );
  const active = { id: stored?.trigger_id ?? 'not stored', version: stored?.version ?? 0, rule, history: history() };
  const { decision, outcome, held, concerned, conditions, gates } = explain(active, event, history);
  const fires = decision !== undefined && decision.held === undefined;
  const actions = fires
    ? planned(decision, tenant, settings).map((one) => ({ type: one.type, would: one.outcome }))
    : [];
  return {
    ...{ trigger_id: stored?.trigger_id ?? null, rule_name: rule.rule_name, event_id: event.id },
    number: number === null ? null : Number(number),
    ...{ outcome, held, concerned, conditions, gates, actions },
  };
}
