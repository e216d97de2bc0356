import { z } from 'zod';
import type { ActionSettings } from '../../workers/trigger-evaluation/effect.ts';
import type { Principal } from '../access/principal.ts';
import { DAY } from '../kernel/duration.ts';
import { RaeError } from '../kernel/errors.ts';
import type { RuleBook } from '../tenant/rule-book.ts';
import { documentOf } from '../trial/rule-document.ts';
import { replayOf } from '../trial/rule-replay.ts';
import { testOf } from '../trial/rule-test.ts';
import { recordedEvent, writtenEvent } from '../trial/tried-event.ts';
import { GIVEN_INSTANT } from './instant.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { type Route, route } from './route.ts';
import { rightRule, ruleOf } from './rule-routes.ts';

const JSON_OBJECT = z.record(z.string(), z.unknown());
const WHICH = {
  trigger_id: z.uuid().optional().describe('a rule that is stored'),
  rule: JSON_OBJECT.optional().describe('or one that is only tried, as docs/rules.md has it'),
};
const NAMED = { trigger_id: z.uuid().nullable(), rule_name: z.string() };
const ACTIONS = z.array(z.object({ type: z.string(), would: z.looseObject({ kind: z.string() }) }));
const TESTED = z.object({
  ...NAMED,
  event_id: z.string(),
  number: z.number().nullable(),
  outcome: z.enum(['fires', 'held', 'conditions_false', 'not_concerned']),
  held: z.string().nullable(),
  concerned: z.boolean(),
  conditions: JSON_OBJECT.nullable().describe('node by node, each with what it found'),
  gates: z.array(z.object({ reason: z.string(), open: z.boolean(), says: z.string() })),
  actions: ACTIONS,
});
const REPLAYED = z.object({
  ...NAMED,
  events: z.int(),
  fired: z.int(),
  held: z.object({ window: z.int(), cooldown: z.int(), rate: z.int() }),
  firings: z.array(
    z.object({
      number: z.number(),
      event_id: z.string(),
      event_type: z.string(),
      at: z.string(),
      detail: z.string().nullable(),
      actions: ACTIONS,
    }),
  ),
});
const EXECUTION = z
  .object({
    number: z.number(),
    event_id: z.string(),
    event_type: z.string(),
    at: z.iso.datetime(),
    outcome: z.string(),
    reason: z.string().nullable(),
    detail: z.string().nullable(),
    actions: z.array(JSON_OBJECT),
  })
  .loose();

/** A request looks at no more events than this; the command on the database at any number. */
const MOST_EVENTS = 100_000;

/** What rules did, and what they would do; nothing is written. */
export function ruleTrialRoutes(rules: RuleBook, settings: ActionSettings): readonly Route[] {
  return [executed(rules), tested(rules, settings), replayed(rules, settings)];
}

const executed = (rules: RuleBook) =>
  route({
    method: 'GET',
    path: '/v1/rules/{trigger_id}/executions',
    does: 'Lists what a rule did, the newest first.',
    permission: 'rules:read',
    projects: true,
    params: z.strictObject({ trigger_id: z.uuid() }),
    query: z.strictObject(PAGE),
    status: 200,
    answer: z.object({ executions: z.array(EXECUTION), next: z.string().nullable() }),
    run: async ({ principal, params: { trigger_id: id }, query: { limit, cursor } }) => {
      await ruleOf(rules, principal, id);
      const [before = null] = placeOf(principal.tenantId, cursor, [z.string().regex(/^\d{1,15}$/)]);
      const found = await rules.executions(principal.tenantId, id, limit + 1, before);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursorOf(principal.tenantId, [String(last.number)]);
      return { body: { executions: page, next } };
    },
  });

const tested = (rules: RuleBook, settings: ActionSettings) =>
  route({
    method: 'POST',
    path: '/v1/rules:test',
    does: 'Explains node by node what a rule makes of one event, and what it would do; does nothing.',
    permission: 'rules:read',
    body: z.strictObject({
      ...WHICH,
      event_id: z.uuid().optional().describe('an event that happened'),
      event: JSON_OBJECT.optional().describe('or one that is made up'),
    }),
    status: 200,
    answer: TESTED,
    run: async ({ principal, body: { event_id: id, event, ...which }, now }) => {
      if ((id === undefined) === (event === undefined))
        throw new RaeError('RAE_USAGE', 'give event_id or event, one of them');
      const tenant = principal.tenantId;
      const on = id === undefined ? writtenEvent(event, now) : await recordedEvent(rules, tenant, id);
      const { rule, stored } = await ruleInHand(rules, principal, which);
      return { body: await testOf({ book: rules, tenant, rule, stored, on }, settings) };
    },
  });

const replayed = (rules: RuleBook, settings: ActionSettings) =>
  route({
    method: 'POST',
    path: '/v1/rules:backtest',
    does: 'Runs a rule over events that were consumed, in their order and with an empty memory; does nothing.',
    permission: 'rules:read',
    body: z.strictObject({
      ...WHICH,
      from: GIVEN_INSTANT.optional().describe('default: 7 days before to'),
      to: GIVEN_INSTANT.optional().describe('default: now'),
      limit: z.int().min(0).max(1_000).default(20).describe('how many firings to list, the newest'),
    }),
    status: 200,
    answer: REPLAYED,
    run: async ({ principal, body: { from: first, to: last, limit, ...which }, now }) => {
      const to = last === undefined ? now : new Date(last);
      const from = first === undefined ? new Date(to.getTime() - 7 * DAY) : new Date(first);
      if (from >= to) throw new RaeError('RAE_USAGE', 'from is not before to');
      const { rule, stored } = await ruleInHand(rules, principal, which);
      const tenant = principal.tenantId;
      const replay = { book: rules, tenant, rule, from, to, limit, mostEvents: MOST_EVENTS };
      const named = { trigger_id: stored?.trigger_id ?? null, rule_name: rule.rule_name };
      return { body: { ...named, ...(await replayOf(replay, settings)) } };
    },
  });

type Which = { readonly trigger_id?: string | undefined; readonly rule?: unknown };

/** @throws RaeError `RAE_USAGE`, `RAE_NOT_FOUND`, `RAE_RULE_INVALID` */
async function ruleInHand(rules: RuleBook, principal: Principal, { trigger_id: id, rule }: Which) {
  if ((id === undefined) === (rule === undefined))
    throw new RaeError('RAE_USAGE', 'give trigger_id or rule, one of them');
  if (id === undefined) return { rule: rightRule(rule).rule, stored: undefined };
  const stored = await ruleOf(rules, principal, id);
  return { rule: rightRule(documentOf(stored)).rule, stored };
}
