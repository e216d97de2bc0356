/** A rule as it stands in `trigger_rules`, and from which number on it is asked. */
export interface ReferenceRule {
  readonly trigger_id: string;
  readonly since: number;
  readonly project: string | null;
  readonly event_types: readonly string[];
  readonly condition_group: ReferenceCondition | null;
  readonly time_window_seconds: number | null;
  readonly aggregate: ReferenceAggregate | null;
  readonly cooldown_seconds: number | null;
  readonly max_executions_per_hour: number | null;
}

/** An aggregate as JSON. */
export interface ReferenceAggregate {
  readonly function?: string;
  readonly field?: string;
  readonly operator?: string;
  readonly value: number;
  readonly reset_on_fire?: boolean;
}

/** A condition or a group as JSON. */
export type ReferenceCondition = Readonly<Record<string, unknown>>;

/** An event in the order of consumption; `at` in ms. */
export interface ReferenceEvent {
  readonly number: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly project: string;
  readonly payload: unknown;
  readonly at: number;
}

/** What must be recorded of a rule and an event. */
export interface ExpectedExecution {
  readonly number: number;
  readonly trigger_id: string;
  readonly event_id: string;
  readonly outcome: 'fired' | 'held';
  readonly reason: string | null;
}

type Memory = { readonly number: number; readonly at: number; readonly value: unknown; readonly fired: boolean };

/** Says by the words of docs/rules.md what rules do: for each event it looks through all that was before it. */
export class RuleReference {
  readonly #memory = new Map<string, Memory[]>();

  /** What the rules make of further events. */
  ask(rules: readonly ReferenceRule[], events: readonly ReferenceEvent[]): readonly ExpectedExecution[] {
    return events.flatMap((event) =>
      rules.flatMap((rule) => {
        if (!listens(rule, event) || !(rule.condition_group === null || truth(rule.condition_group, event.payload)))
          return [];
        const memory = this.#memory.get(rule.trigger_id) ?? [];
        this.#memory.set(rule.trigger_id, memory);
        const value = lookedUp(event.payload, rule.aggregate?.field ?? '');
        const reason = heldBy(rule, memory, { ...event, value });
        memory.push({ number: event.number, at: event.at, value, fired: reason === null });
        const { number, event_id } = event;
        return [{ number, trigger_id: rule.trigger_id, event_id, outcome: reason === null ? 'fired' : 'held', reason }];
      }),
    );
  }
}

function listens(rule: ReferenceRule, { event_type: type, project }: ReferenceEvent): boolean {
  const types = rule.event_types.map((one) => (one === 'custom.*' ? /^custom\./ : new RegExp(`^${one}$`)));
  return types.some((one) => one.test(type)) && [null, project].includes(rule.project);
}

function heldBy(
  rule: ReferenceRule,
  memory: readonly Memory[],
  event: { readonly number: number; readonly at: number; readonly value: unknown },
): string | null {
  const fired = memory.filter((one) => one.fired);
  if (rule.aggregate !== null) {
    const reset = rule.aggregate.reset_on_fire === true ? Math.max(0, ...fired.map(({ number }) => number)) : 0;
    const span = (rule.time_window_seconds ?? 0) * 1_000;
    const counted = [...memory, { ...event, fired: false }].filter(
      ({ number, at }) => number >= rule.since && number > reset && at <= event.at && event.at - at < span,
    );
    const result = aggregated(rule.aggregate.function ?? 'count', counted);
    const reached =
      result !== undefined && ORDER[rule.aggregate.operator ?? 'greater_equal']?.(result, rule.aggregate.value);
    if (reached !== true) return 'window';
  }
  const newest = Math.max(Number.NEGATIVE_INFINITY, ...fired.map(({ at }) => at));
  const cooldown = (rule.cooldown_seconds ?? 0) * 1_000;
  if (cooldown > 0 && event.at - newest < cooldown) return 'cooldown';
  const lately = fired.filter(({ at }) => at > event.at - 3_600_000).length;
  return rule.max_executions_per_hour !== null && lately >= rule.max_executions_per_hour ? 'rate' : null;
}

function aggregated(what: string, counted: readonly { readonly value: unknown }[]): number | undefined {
  if (what === 'count') return counted.length;
  const numbers = counted.map(({ value }) => value).filter((value) => typeof value === 'number');
  if (numbers.length === 0) return undefined;
  const sum = numbers.reduce((all, one) => all + one, 0);
  return { sum, avg: sum / numbers.length, min: Math.min(...numbers), max: Math.max(...numbers) }[what];
}

const ORDER: Readonly<Record<string, (a: number | string, b: number | string) => boolean>> = {
  greater_than: (a, b) => a > b,
  less_than: (a, b) => a < b,
  greater_equal: (a, b) => a >= b,
  less_equal: (a, b) => a <= b,
  equals: (a, b) => a === b,
};

/** Whether a condition or group holds for the payload. */
export function truth(condition: ReferenceCondition, payload: unknown): boolean {
  if (!('field' in condition)) {
    const { conditions = [], groups = [] } = condition as Record<string, ReferenceCondition[]>;
    const parts = [...conditions, ...groups].map((part) => truth(part, payload));
    return condition.operator === 'OR' ? parts.includes(true) : !parts.includes(false);
  }
  const fold = (value: unknown): unknown => (condition.case_sensitive === false ? lowered(value) : value);
  const found = fold(lookedUp(payload, String(condition.field)));
  const wanted = fold(condition.value ?? null);
  const plain = asked(String(condition.operator), found, wanted, condition.case_sensitive === false);
  return condition.negate === true ? !plain : plain;
}

function asked(operator: string, found: unknown, wanted: unknown, anyCase: boolean): boolean {
  const text = canonical(found);
  if (operator === 'is_null') return text === 'null';
  if (operator === 'is_not_null') return text !== 'null';
  if (operator === 'equals') return text === canonical(wanted);
  if (operator === 'in') return (wanted as unknown[]).map(canonical).includes(text);
  if (operator === 'contains') {
    if (Array.isArray(found)) return found.map(canonical).includes(canonical(wanted));
    return typeof found === 'string' && typeof wanted === 'string' && found.indexOf(wanted) >= 0;
  }
  if (operator.startsWith('not_')) return !asked(operator.slice(4), found, wanted, anyCase);
  if (operator === 'matches_regex') {
    return typeof found === 'string' && new RegExp(`^(?:${wanted})`, anyCase ? 'i' : '').test(found);
  }
  const sameKind = typeof found === typeof wanted && ['number', 'string'].includes(typeof found);
  return sameKind && ORDER[operator]?.(found as number, wanted as number) === true;
}

function lookedUp(payload: unknown, field: string): unknown {
  return field
    .replace(/^payload\./, '')
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key] ?? null, payload);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`);
  return `{${entries.sort().join()}}`;
}

function lowered(value: unknown): unknown {
  if (typeof value === 'string') return value.toLowerCase();
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, lowered(inner)]));
}
