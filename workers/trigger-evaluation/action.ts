import { z } from 'zod';
import { type ConditionNode, readConditions } from './condition.ts';

/** Conditions as they stand in a rule, checked and ready to be asked. */
export const conditions = z.unknown().transform((given, context): ConditionNode => {
  const read = readConditions(given);
  if (!Array.isArray(read)) return read as ConditionNode;
  for (const { path, message } of read) context.addIssue({ code: 'custom', path: [...path], message });
  return z.NEVER;
});

/** A text in which `{{…}}` stands for a value of the event. */
const template = (most: number) => z.string().min(1).max(most);
const object = z.record(z.string().max(200), z.unknown());
const address = z
  .string()
  .max(2_048)
  .regex(/^https?:\/\/[^\s/?#{}]+[^\s{}]*$/, 'expected https://host/path, without placeholders');
const mail = z
  .string()
  .max(320)
  .regex(/^[^@\s,;<>{}]+@[^@\s,;<>{}]+$/, 'expected addresses of the form name@host, without placeholders');
const secret = z.string().min(1).max(100).describe("the name of the tenant's secret that signs it");
const oneOrMore = <T extends z.ZodType>(one: T, most: number) =>
  z.union([one.transform((value) => [value]), z.array(one).min(1).max(most)]);
const memoryIds = oneOrMore(template(200), 100).default(['{{payload.memory_id}}']);
const tags = z.array(template(255)).max(50).default([]);

/** Every action carries these beside its own configuration. What the original had about retries is read and of no effect: delivery tries again by itself. */
const common = {
  execute_if: conditions.optional().describe('skipped where this does not hold for the event'),
  order: z.int().min(0).max(1_000).optional().describe('lower first; default: as they are listed'),
  retry_on_failure: z.boolean().optional(),
  max_retries: z.int().optional(),
  retry_delay_seconds: z.int().optional(),
  timeout_seconds: z.int().optional(),
  run_async: z.boolean().optional(),
};

/** Calls to the RAE API, by the names that the original has for them. */
const PRESETS = {
  generate_reflection: '/v2/reflections/generate',
  extract_semantics: '/v1/graph/extract',
  create_snapshot: '/v1/graph-management/snapshots',
  run_evaluation: '/v1/evaluation/search',
} as const;

export type Preset = keyof typeof PRESETS;

const preset = <Name extends Preset>(name: Name) =>
  z.strictObject({
    ...common,
    action_type: z.literal(name),
    config: z
      .strictObject({
        base_url: address.optional().describe("where the RAE API is; default: the operator's setting rae_api_url"),
        path: z.string().max(500).startsWith('/').default(PRESETS[name]),
        payload: object.default({}).describe('what the request says besides tenant and project'),
        secret: secret.optional(),
      })
      .prefault({}),
  });

const notification = <Name extends 'send_notification' | 'send_email'>(name: Name) =>
  z.strictObject({
    ...common,
    action_type: z.literal(name),
    config: z.strictObject({
      channel: z.literal('email').default('email'),
      to: oneOrMore(mail, 50),
      subject: template(255).default('{{rule.rule_name}}'),
      message: template(10_000).optional(),
      body: template(10_000).optional().describe('the same as message'),
    }),
  });

/** What a rule may do. */
export const action = z.discriminatedUnion('action_type', [
  z.strictObject({
    ...common,
    action_type: z.literal('send_webhook'),
    config: z.strictObject({
      url: address,
      method: z.literal('POST').default('POST'),
      secret: secret.optional(),
      payload: object.optional().describe('what is sent; default: the rule and the event'),
    }),
  }),
  notification('send_notification'),
  notification('send_email'),
  z.strictObject({
    ...common,
    action_type: z.literal('enqueue_run'),
    config: z.strictObject({
      worker: z.string().min(1).max(100),
      payload: object.default({}),
      delay_seconds: z.int().min(0).max(604_800).default(0),
    }),
  }),
  z.strictObject({
    ...common,
    action_type: z.literal('apply_decay'),
    config: z.strictObject({}).prefault({}),
  }),
  z.strictObject({
    ...common,
    action_type: z.literal('tag_memories'),
    config: z
      .strictObject({ memory_ids: memoryIds, add: tags, remove: tags })
      .refine(({ add, remove }) => add.length + remove.length > 0, 'expected tags to add or to remove'),
  }),
  z.strictObject({
    ...common,
    action_type: z.literal('set_importance'),
    config: z.strictObject({
      memory_ids: memoryIds,
      importance: z.union([z.number().min(0).max(1), template(200)]),
    }),
  }),
  z.strictObject({
    ...common,
    action_type: z.literal('emit_event'),
    config: z.strictObject({
      event_type: z.string().min(1).max(110),
      payload: object.default({}),
      project: template(255).default('{{event.project}}'),
      tags,
    }),
  }),
  preset('generate_reflection'),
  preset('extract_semantics'),
  preset('create_snapshot'),
  preset('run_evaluation'),
]);

export type Action = z.output<typeof action>;
