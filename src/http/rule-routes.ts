import { z } from 'zod';
import { type Rule, readRule } from '../../workers/trigger-evaluation/rule.ts';
import type { Principal } from '../access/principal.ts';
import { RaeError } from '../kernel/errors.ts';
import type { RuleBook, StoredRule } from '../tenant/rule-book.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { PROJECT, projectOf } from './project.ts';
import { type Route, route } from './route.ts';

const JSON_OBJECT = z.record(z.string(), z.unknown());
const PARAMS = z.strictObject({ trigger_id: z.uuid() });
const RULE = z
  .object({
    trigger_id: z.uuid(),
    rule_name: z.string(),
    project: z.string().nullable(),
    event_types: z.array(z.string()),
    priority: z.int(),
    status: z.string(),
    is_enabled: z.boolean(),
    version: z.int(),
    execution_count: z.number(),
    held_count: z.number(),
  })
  .loose();

/** Trigger rules of a tenant. */
export function ruleRoutes(rules: RuleBook): readonly Route[] {
  return [listed(rules), shown(rules), set(rules), removed(rules)];
}

const listed = (rules: RuleBook) =>
  route({
    method: 'GET',
    path: '/v1/rules',
    does: 'Lists the trigger rules in the order in which they are asked.',
    permission: 'rules:read',
    projects: true,
    query: z.strictObject({ ...PAGE, project: PROJECT.optional() }),
    status: 200,
    answer: z.object({ rules: z.array(RULE), next: z.string().nullable() }),
    run: async ({ principal, query: { limit, cursor, project: given } }) => {
      const [after] = placeOf(principal.tenantId, cursor, [z.uuid()]);
      const project = projectOf(principal, given);
      const all = await rules.list(principal.tenantId);
      const own = project === undefined ? all : all.filter((one) => one.project === project);
      const begin = after === undefined ? 0 : own.findIndex(({ trigger_id: id }) => id === after) + 1;
      const page = own.slice(begin, begin + limit);
      const last = begin + limit < own.length ? page.at(-1) : undefined;
      return {
        body: { rules: page, next: last === undefined ? null : cursorOf(principal.tenantId, [last.trigger_id]) },
      };
    },
  });

const shown = (rules: RuleBook) =>
  route({
    method: 'GET',
    path: '/v1/rules/{trigger_id}',
    does: 'Shows one rule, with how often it fired and was held back.',
    permission: 'rules:read',
    projects: true,
    params: PARAMS,
    status: 200,
    answer: RULE,
    run: async ({ principal, params }) => ({ body: await ruleOf(rules, principal, params.trigger_id) }),
  });

const set = (rules: RuleBook) =>
  route({
    method: 'POST',
    path: '/v1/rules',
    does: 'Makes a rule, or replaces the one of its name and project.',
    permission: 'rules:write',
    projects: true,
    body: JSON_OBJECT.describe('a rule as docs/rules.md has it'),
    status: 201,
    answer: z.object({ trigger_id: z.uuid(), created: z.boolean() }),
    run: async ({ principal, author, body }) => {
      const { columns } = rightRule(body);
      projectOf(principal, typeof columns.project === 'string' ? columns.project : undefined);
      if (principal.project !== undefined && columns.project !== principal.project)
        throw new RaeError('RAE_FORBIDDEN', 'a rule of every project is not for a credential of one');
      const { triggerId, created } = await rules.store(principal.tenantId, columns, author);
      return { body: { trigger_id: triggerId, created }, headers: { location: `/v1/rules/${triggerId}` } };
    },
  });

const removed = (rules: RuleBook) =>
  route({
    method: 'DELETE',
    path: '/v1/rules/{trigger_id}',
    does: 'Removes a rule; what it did stays recorded.',
    permission: 'rules:write',
    projects: true,
    params: PARAMS,
    status: 200,
    answer: z.object({ trigger_id: z.uuid(), removed: z.literal(true) }),
    run: async ({ principal, author, params: { trigger_id: id } }) => {
      await ruleOf(rules, principal, id);
      await rules.remove(principal.tenantId, id, author);
      return { body: { trigger_id: id, removed: true } };
    },
  });

/** A rule as it was written. @throws RaeError `RAE_RULE_INVALID` with every mistake */
export function rightRule(given: unknown): {
  readonly rule: Rule;
  readonly columns: Readonly<Record<string, unknown>>;
} {
  const reading = readRule(given);
  if ('rule' in reading) return reading;
  throw new RaeError('RAE_RULE_INVALID', `the rule cannot be: ${reading.mistakes.join('; ')}`);
}

/** The rule of this id. @throws RaeError `RAE_NOT_FOUND`, for one of another project than the credential's as well */
export async function ruleOf(rules: RuleBook, principal: Principal, id: string): Promise<StoredRule> {
  const all = await rules.list(principal.tenantId);
  const rule = all.find((one) => one.trigger_id === id);
  const isSeen = principal.project === undefined || rule?.project === principal.project;
  if (rule !== undefined && isSeen) return rule;
  throw new RaeError('RAE_NOT_FOUND', `there is no rule ${id}`);
}
