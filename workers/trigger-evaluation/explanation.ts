import type { ConditionNode, Group, Leaf } from './condition.ts';
import {
  type ActiveRule,
  concerns,
  cooldownGate,
  type Decision,
  decide,
  type Gate,
  rateGate,
  windowGate,
} from './evaluation.ts';
import { valueAt } from './field-path.ts';
import type { RuleHistory } from './history.ts';
import { compare } from './operator.ts';
import type { RuleEvent } from './rule-event.ts';

/** One node of a rule's conditions as an event met it. */
export type ExplainedNode =
  | {
      readonly field: string;
      readonly operator: string;
      readonly value: unknown;
      readonly found: unknown;
      readonly negate: boolean;
      readonly holds: boolean;
      /** Why the comparison could not be made, and so is false before `negate`. */
      readonly because?: string;
    }
  | { readonly operator: 'AND' | 'OR'; readonly holds: boolean; readonly members: readonly ExplainedNode[] };

/** Why a rule fires on an event, or does not. */
export interface Explanation {
  readonly outcome: 'fires' | 'held' | 'conditions_false' | 'not_concerned';
  readonly held: Decision['held'] | null;
  /** The event's type and project are the rule's. */
  readonly concerned: boolean;
  /** Null for a rule without conditions. */
  readonly conditions: ExplainedNode | null;
  readonly gates: readonly Pick<Gate, 'reason' | 'open' | 'says'>[];
  /** There where the conditions hold. */
  readonly decision: Decision | undefined;
}

/** The conditions node by node, each with what it found. Nothing is skipped, whatever decides. */
export function explainConditions(node: ConditionNode, event: RuleEvent): ExplainedNode {
  return 'joined' in node ? explainGroup(node, event) : explainLeaf(node, event);
}

function explainGroup({ joined, members }: Group, event: RuleEvent): ExplainedNode {
  const explained = members.map((member) => explainConditions(member, event));
  const holds = joined === 'AND' ? explained.every((one) => one.holds) : explained.some((one) => one.holds);
  return { operator: joined, holds, members: explained };
}

function explainLeaf(leaf: Leaf, event: RuleEvent): ExplainedNode {
  const { field, operator, value, negate, path } = leaf;
  const found = valueAt(event, path);
  const { holds, because } = compare(found, leaf);
  return {
    field,
    operator,
    value,
    found,
    negate,
    holds: holds !== negate,
    ...(because === undefined ? {} : { because }),
  };
}

/** Explains what the rule makes of the event. @param history makes the rule's history before the event, each time anew */
export function explain(active: ActiveRule, event: RuleEvent, history: () => RuleHistory): Explanation {
  const { rule } = active;
  const conditions = rule.condition_group === null ? null : explainConditions(rule.condition_group, event);
  const none = { held: null, conditions, gates: [], decision: undefined };
  if (!concerns(rule, event)) return { ...none, outcome: 'not_concerned', concerned: false };
  const [deciding, looking] = [history(), history()];
  const decision = decide({ ...active, history: deciding }, event);
  if (decision === undefined) return { ...none, outcome: 'conditions_false', concerned: true };
  if (rule.aggregate !== null) looking.matched({ number: event.number, at: event.at, value: decision.value });
  const gates = [windowGate, cooldownGate, rateGate]
    .map((gate) => gate(rule, looking, event.at))
    .filter((gate) => gate !== undefined)
    .map(({ reason, open, says }) => ({ reason, open, says }));
  return {
    outcome: decision.held === undefined ? 'fires' : 'held',
    held: decision.held ?? null,
    concerned: true,
    conditions,
    gates,
    decision,
  };
}
