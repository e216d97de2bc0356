import { z } from 'zod';
import { nearest } from '../../src/kernel/nearest.ts';

const recipients = {
  to: z.array(z.string()).min(1).optional().describe('whom to write to'),
  url: z.string().optional().describe('or a webhook'),
  secret: z.string().optional().describe("the name of the tenant's secret that signs the webhook"),
};

const TOLD = 'expected whom to tell: to (addresses) or url (a webhook)';
const told = ({ to, url }: { to?: string[] | undefined; url?: string | undefined }) =>
  to !== undefined || url !== undefined;

/** A rule for a common purpose: what may be set about it, and the rule that follows. */
interface Template {
  readonly does: string;
  readonly parameters: z.ZodType;
  readonly rule: (given: never) => Readonly<Record<string, unknown>>;
}

function template<P extends z.ZodType>(
  does: string,
  parameters: P,
  rule: (given: z.output<P>) => Readonly<Record<string, unknown>>,
): Template {
  return { does, parameters, rule };
}

/** The rules that come ready made, by their `template_id`. */
export const TEMPLATES: Readonly<Record<string, Template>> = {
  auto_reflection: template(
    'generates a reflection each time so many memories were created',
    z.strictObject({
      memory_threshold: z.int().min(1).max(10_000).default(50),
      window_seconds: z.int().min(60).max(604_800).default(86_400),
      base_url: z.string().optional(),
      secret: z.string().optional(),
    }),
    ({ memory_threshold: value, window_seconds: seconds, ...config }) => ({
      event_types: ['memory_created'],
      time_window_seconds: seconds,
      aggregate: { function: 'count', value, reset_on_fire: true },
      actions: [{ action_type: 'generate_reflection', config }],
    }),
  ),
  quality_alert: template(
    'tells somebody when quality falls below a score',
    z
      .strictObject({
        min_quality_score: z.number().min(0).max(1).default(0.7),
        field: z.string().default('payload.quality_score'),
        cooldown_seconds: z.int().min(0).default(3_600),
        ...recipients,
      })
      .refine(told, TOLD),
    ({ min_quality_score: value, field, cooldown_seconds: cooldown, ...who }) => ({
      event_types: ['quality_degraded'],
      condition_group: { operator: 'AND', conditions: [{ field, operator: 'less_than', value }] },
      cooldown_seconds: cooldown,
      actions: tellings(who, {
        subject: `Quality below ${value} in {{event.project}}`,
        message: `The quality score fell to {{${field}}} in the project {{event.project}}; the alert is set at ${value}.`,
      }),
    }),
  ),
  budget_guard: template(
    'tells somebody when a budget is nearly or wholly spent',
    z
      .strictObject({
        threshold: z.number().min(0).max(10).default(0.9).describe('the share of the limit from which it tells'),
        field: z.string().default('payload.threshold'),
        cooldown_seconds: z.int().min(0).default(0),
        ...recipients,
      })
      .refine(told, TOLD),
    ({ threshold, field, cooldown_seconds: cooldown, ...who }) => ({
      event_types: ['budget_warning', 'budget_exceeded'],
      condition_group: {
        operator: 'OR',
        conditions: [
          { field: 'event.event_type', operator: 'equals', value: 'budget_exceeded' },
          { field, operator: 'greater_equal', value: threshold },
        ],
      },
      cooldown_seconds: cooldown,
      priority: 8,
      actions: tellings(who, {
        subject: 'Budget of {{event.project}}: {{event.event_type}}',
        message: `{{event.event_type}} at {{event.at}}: {{${field}}} of the limit is reached.`,
      }),
    }),
  ),
};

type Who = {
  readonly to?: string[] | undefined;
  readonly url?: string | undefined;
  readonly secret?: string | undefined;
};

function tellings(
  { to, url, secret }: Who,
  words: { readonly subject: string; readonly message: string },
): readonly object[] {
  return [
    ...(to === undefined ? [] : [{ action_type: 'send_notification', config: { to, ...words } }]),
    ...(url === undefined
      ? []
      : [{ action_type: 'send_webhook', config: { url, ...(secret === undefined ? {} : { secret }) } }]),
  ];
}

/** The rule that a template makes with these parameters, still to be read by `readRule`; or what is wrong with them. */
export function fromTemplate(
  id: string,
  name: string,
  given: unknown,
): { readonly document: Readonly<Record<string, unknown>> } | { readonly mistakes: readonly string[] } {
  const found = Object.hasOwn(TEMPLATES, id) ? TEMPLATES[id] : undefined;
  if (found === undefined) {
    const near = nearest(id, Object.keys(TEMPLATES));
    const meant = near === undefined ? `there are ${Object.keys(TEMPLATES).join(', ')}` : `did you mean ${near}?`;
    return { mistakes: [`there is no template ${JSON.stringify(id)}; ${meant}`] };
  }
  const read = found.parameters.safeParse(given);
  if (!read.success) {
    return {
      mistakes: read.error.issues.map(({ path, message }) => `${path.join('.') || 'the parameters'}: ${message}`),
    };
  }
  return { document: { rule_name: name, template_id: id, ...found.rule(read.data as never) } };
}
