import type { ExplainedNode, Explanation } from '../../workers/trigger-evaluation/explanation.ts';
import type { StoredRule } from '../tenant/rule-book.ts';
import type { Style } from './style.ts';
import type { Column } from './table.ts';
import { shownInstant } from './tenant-view.ts';

/** The columns of a list of rules. */
export const RULE_COLUMNS: readonly Column<StoredRule>[] = [
  { title: 'RULE', value: ({ rule_name: name }) => name },
  { title: 'PRIORITY', value: ({ priority }) => priority, align: 'right' },
  { title: 'STATE', value: stateOf, tone: (rule) => (rule.status === 'error' ? 'bad' : undefined) },
  { title: 'PROJECT', value: ({ project }) => project ?? 'every' },
  { title: 'EVENTS', value: ({ event_types: types }) => types.join(', '), shrinks: true },
  { title: 'FIRED', value: ({ execution_count: count }) => count, align: 'right' },
  { title: 'HELD', value: ({ held_count: count }) => count, align: 'right' },
  { title: 'FAILED ACTIONS', value: ({ failed_actions: count }) => count, align: 'right' },
  { title: 'LAST FIRED', value: ({ last_executed_at: at }) => (at === null ? undefined : shownInstant(at)) },
  { title: 'WHY NOT IN USE', value: ({ last_error_message: why }) => why ?? undefined, shrinks: true },
];

/** Whether a rule is asked, in one word. */
export function stateOf({ status, is_enabled: enabled }: StoredRule): string {
  if (status !== 'active') return status;
  return enabled ? 'on' : 'off';
}

/** An explanation for people: every node on a line of its own, with a tick or a cross. */
export function explanationText(explanation: Omit<Explanation, 'decision'>, style: Style): string {
  const { concerned, conditions, gates, outcome, held } = explanation;
  const mark = (holds: boolean) => style(holds ? '✓' : '✗', holds ? 'good' : 'bad');
  const lines = [`${mark(concerned)} event type and project are the rule's`];
  if (conditions === null) lines.push(`${mark(true)} no conditions`);
  else lines.push(...nodeLines(conditions, 0, mark));
  for (const { open, reason, says } of gates) lines.push(`${mark(open)} ${reason}: ${says}`);
  const ends = { fires: 'it fires', held: `it is held back: ${held}`, conditions_false: 'its conditions do not hold' };
  lines.push(outcome === 'not_concerned' ? 'it does not listen to this event' : ends[outcome]);
  return lines.join('\n');
}

function nodeLines(node: ExplainedNode, depth: number, mark: (holds: boolean) => string): readonly string[] {
  const indent = '  '.repeat(depth);
  if ('members' in node) {
    const head = `${indent}${mark(node.holds)} ${node.operator}${node.members.length === 0 ? ' of nothing' : ''}`;
    return [head, ...node.members.flatMap((member) => nodeLines(member, depth + 1, mark))];
  }
  const { field, operator, value, found, negate, because } = node;
  const wanted = operator.endsWith('null') ? '' : ` ${JSON.stringify(value)}`;
  const tail = because === undefined ? '' : ` (${because})`;
  return [
    `${indent}${mark(node.holds)} ${negate ? 'not ' : ''}${field} ${operator}${wanted}: found ${shown(found)}${tail}`,
  ];
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
