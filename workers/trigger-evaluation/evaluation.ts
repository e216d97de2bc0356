import { holds } from './condition.ts';
import { ANY_CUSTOM } from './event-type.ts';
import { fieldPath, valueAt } from './field-path.ts';
import type { RuleHistory } from './history.ts';
import type { Aggregate, Rule } from './rule.ts';
import { type RuleEvent, SECOND } from './rule-event.ts';

/** A rule in use: what it says, and what it remembers. */
export interface ActiveRule {
  readonly id: string;
  readonly version: number;
  readonly rule: Rule;
  readonly history: RuleHistory;
}

/** Why a rule whose conditions hold did not fire. */
export type HeldReason = 'window' | 'cooldown' | 'rate';

/** What became of one rule and one event whose conditions hold. */
export interface Decision {
  readonly rule: ActiveRule;
  readonly event: RuleEvent;
  /** Undefined = it fired. */
  readonly held: HeldReason | undefined;
  /** What the gates saw, in words; undefined for a rule without window, cooldown and limit. */
  readonly detail: string | undefined;
  /** The event's own share in the aggregate. */
  readonly value: number | null;
  /** What the aggregate came to; null without one, or where there is nothing to take it of. */
  readonly aggregate: number | null;
}

const HOUR_SECONDS = 3_600;

/** Whether the rule listens to events of this type and project. */
export function concerns(rule: Rule, event: Pick<RuleEvent, 'type' | 'project'>): boolean {
  if (rule.project !== null && rule.project !== event.project) return false;
  return rule.event_types.some(
    (type) => type === event.type || (type === ANY_CUSTOM && event.type.startsWith('custom.')),
  );
}

/**
 * What one rule makes of one event, and remembers of it. Pure but for the history: the same events in the same order give
 * the same decisions. Undefined = the event does not concern it, or its conditions do not hold.
 */
export function decide(active: ActiveRule, event: RuleEvent): Decision | undefined {
  const { rule, history } = active;
  if (!concerns(rule, event)) return undefined;
  if (rule.condition_group !== null && !holds(rule.condition_group, event)) return undefined;
  const value = shareOf(rule.aggregate, event);
  if (rule.aggregate !== null) history.matched({ number: event.number, at: event.at, value });
  const gates = [
    windowGate(rule, history, event.at),
    cooldownGate(rule, history, event.at),
    rateGate(rule, history, event.at),
  ];
  const seen = gates.filter((gate) => gate !== undefined);
  const held = seen.find((gate) => !gate.open);
  if (held === undefined) history.fired(event.number, event.at);
  return {
    rule: active,
    event,
    held: held?.reason,
    detail: held === undefined ? joined(seen) : held.says,
    value,
    aggregate: gates[0]?.value ?? null,
  };
}

/** What stands between conditions that hold and a firing. */
export interface Gate {
  readonly reason: HeldReason;
  readonly open: boolean;
  readonly says: string;
  readonly value?: number | null;
}

/** Whether the aggregate over the window is what the rule waits for; undefined for a rule without one. */
export function windowGate(rule: Rule, history: RuleHistory, at: number): Gate | undefined {
  const { aggregate, time_window_seconds: seconds } = rule;
  if (aggregate === null || seconds === null) return undefined;
  const value = history.aggregate(aggregate, at, seconds);
  const says = `${aggregate.function} ${value ?? 'of nothing'} in ${seconds} s; wanted ${aggregate.operator} ${aggregate.value}`;
  return { reason: 'window', open: value !== null && reaches(value, aggregate), says, value };
}

/** Whether so long has passed since the rule last fired; undefined for a rule without a cooldown. */
export function cooldownGate(rule: Rule, history: RuleHistory, at: number): Gate | undefined {
  const seconds = rule.cooldown_seconds ?? 0;
  if (seconds === 0) return undefined;
  const last = history.lastFiredAt;
  if (last === undefined) return { reason: 'cooldown', open: true, says: 'it has not fired yet' };
  const says = `${(at - last) / SECOND} s since it last fired; cooldown ${seconds} s`;
  return { reason: 'cooldown', open: at - last >= seconds * SECOND, says };
}

/** Whether it fired less often in the hour before than it may; undefined for a rule without such a limit. */
export function rateGate(rule: Rule, history: RuleHistory, at: number): Gate | undefined {
  const most = rule.max_executions_per_hour;
  if (most === null) return undefined;
  const fired = history.firedAfter(at - HOUR_SECONDS * SECOND);
  return { reason: 'rate', open: fired < most, says: `fired ${fired} times within the hour before; at most ${most}` };
}

/** How far back a rule looks for matches and for firings, in seconds; 0 = not at all. */
export function reachOf(rule: Rule): { readonly matches: number; readonly firings: number } {
  const matches = rule.time_window_seconds ?? 0;
  const hour = rule.max_executions_per_hour === null ? 0 : HOUR_SECONDS;
  const reset = rule.aggregate?.reset_on_fire === true ? matches : 0;
  return { matches, firings: Math.max(rule.cooldown_seconds ?? 0, hour, reset) };
}

function shareOf(aggregate: Aggregate | null, event: RuleEvent): number | null {
  if (aggregate?.field === undefined) return null;
  const value = valueAt(event, fieldPath(aggregate.field));
  return typeof value === 'number' ? value : null;
}

function reaches(value: number, { operator, value: wanted }: Aggregate): boolean {
  switch (operator) {
    case 'greater_than':
      return value > wanted;
    case 'less_than':
      return value < wanted;
    case 'greater_equal':
      return value >= wanted;
    case 'less_equal':
      return value <= wanted;
    case 'equals':
      return value === wanted;
  }
}

function joined(gates: readonly Gate[]): string | undefined {
  return gates.length === 0 ? undefined : gates.map(({ says }) => says).join('; ');
}
