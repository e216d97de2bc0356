import { z } from 'zod';
import { action, conditions } from './action.ts';
import { ANY_CUSTOM, faultOfEventType } from './event-type.ts';

const WEEK_SECONDS = 604_800;

const eventType = z
  .string()
  .max(110)
  .transform((type) => type.toLowerCase())
  .superRefine((type, context) => {
    const message = type === ANY_CUSTOM ? undefined : faultOfEventType(type);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const aggregate = z.strictObject({
  function: z.enum(['count', 'sum', 'avg', 'min', 'max']).default('count'),
  field: z.string().min(1).max(200).optional().describe('what is added up; not for count'),
  operator: z.enum(['greater_than', 'less_than', 'greater_equal', 'less_equal', 'equals']).default('greater_equal'),
  value: z.number(),
  reset_on_fire: z.boolean().default(false).describe('true = what a firing has counted does not count again'),
});

/**
 * A rule as tenants write it, in the columns of `trigger_rules`. What is wrong is said field by field; what is left out has
 * its default.
 */
export const ruleDocument = z
  .strictObject({
    rule_name: z.string().trim().min(1).max(200),
    description: z.string().max(2_000).nullable().default(null),
    project: z.string().min(1).max(255).nullable().default(null).describe('null = events of every project'),
    event_types: z.array(eventType).min(1).max(50),
    condition_group: conditions.nullable().default(null).describe('null = every event of these types'),
    time_window_seconds: z.int().min(1).max(WEEK_SECONDS).nullable().default(null),
    aggregate: aggregate.nullable().default(null),
    cooldown_seconds: z
      .int()
      .min(0)
      .max(4 * WEEK_SECONDS)
      .nullable()
      .default(null),
    max_executions_per_hour: z.int().min(1).max(10_000).nullable().default(null),
    actions: z.array(action).max(20).default([]),
    stop_on_failure: z.boolean().default(false).describe('true = what follows a failed action is skipped'),
    priority: z.int().min(1).max(10).default(5).describe('10 first'),
    is_enabled: z.boolean().default(true),
    template_id: z.string().max(100).nullable().default(null),
    tags: z.array(z.string().max(255)).max(50).default([]),
    metadata: z.record(z.string(), z.unknown()).default({}),
    created_by: z.string().max(255).nullable().default(null),
  })
  .superRefine((rule, context) => {
    const fault = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (rule.time_window_seconds !== null && rule.aggregate === null)
      fault(['aggregate'], 'expected with a time window: what to count, such as {"value": 3}');
    if (rule.aggregate !== null && rule.time_window_seconds === null)
      fault(['time_window_seconds'], 'expected with an aggregate: the time over which it is taken');
    if (rule.aggregate !== null && rule.aggregate.function !== 'count' && rule.aggregate.field === undefined)
      fault(['aggregate', 'field'], `expected: what ${rule.aggregate.function} is taken of`);
    if (rule.aggregate?.function === 'count' && rule.aggregate.field !== undefined)
      fault(['aggregate', 'field'], 'count counts events; put the field into the conditions');
  });

/** A rule that was read: its conditions are ready to be asked. */
export type Rule = z.output<typeof ruleDocument>;
export type Aggregate = z.output<typeof aggregate>;

/** The columns of `trigger_rules` that make a rule, as they are stored. */
export type RuleColumns = Readonly<Record<string, unknown>>;

/** A rule and the columns to store it in, or everything that is wrong with what was given. */
export type RuleReading =
  | { readonly rule: Rule; readonly columns: RuleColumns }
  | { readonly mistakes: readonly string[] };

/** Deeper than any rule needs to be, and shallow enough to be read without exhausting the stack. */
const MOST_DEPTH = 40;

/**
 * Reads a rule. Besides the columns' names it takes the shapes of the original's API: `condition` around the conditions,
 * `conditions` with `condition_operator`, and `name`, `event_type`, `enabled`, `project_id`.
 */
export function readRule(given: unknown): RuleReading {
  if (tooDeep(given, MOST_DEPTH)) return { mistakes: [`the rule: expected at most ${MOST_DEPTH} levels`] };
  const columns = asColumns(given);
  const read = ruleDocument.safeParse(columns);
  if (read.success) {
    // Conditions and actions are stored as they were written: what is read of them is not JSON any more.
    const { condition_group = null, actions = [] } = columns as Fields;
    return { rule: read.data, columns: { ...read.data, condition_group, actions } };
  }
  const mistakes = read.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'the rule' : path.join('.')}: ${message}`,
  );
  return { mistakes: [...new Set(mistakes)] };
}

const OTHER_NAMES: Readonly<Record<string, string>> = {
  name: 'rule_name',
  enabled: 'is_enabled',
  project_id: 'project',
};

function asColumns(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const { condition, conditions: list, condition_operator: joined, event_type: type, ...rest } = given as Fields;
  const inside = typeof condition === 'object' && condition !== null && !Array.isArray(condition) ? condition : {};
  const columns: Record<string, unknown> = {};
  for (const [key, value] of Object.entries({ ...inside, ...rest })) columns[OTHER_NAMES[key] ?? key] = value;
  if (type !== undefined) columns.event_types ??= [type];
  if (list !== undefined || joined !== undefined)
    columns.condition_group ??= { operator: joined ?? 'AND', conditions: list ?? [] };
  return columns;
}

type Fields = Readonly<Record<string, unknown>>;

function tooDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => tooDeep(inner, levels - 1));
}
