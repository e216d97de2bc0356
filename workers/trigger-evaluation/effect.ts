import { isUuid } from '../../src/kernel/ids.ts';
import type { Action, Preset } from './action.ts';
import { holds } from './condition.ts';
import { cut } from './cut.ts';
import type { Decision } from './evaluation.ts';
import { faultOfEventType } from './event-type.ts';
import { eventFields } from './field-path.ts';
import { filled, type Naming, written } from './placeholder.ts';
import { instant } from './rule-event.ts';

/** What an action writes: rows, nothing else. */
export type Effect =
  | {
      readonly kind: 'message';
      readonly channel: object;
      readonly type: string;
      readonly data: object;
      readonly key: string;
    }
  | {
      readonly kind: 'run';
      readonly worker: string;
      readonly payload: unknown;
      readonly delay: number;
      readonly key: string;
      readonly depth: number;
    }
  | {
      readonly kind: 'event';
      readonly type: string;
      readonly payload: unknown;
      readonly project: string;
      readonly source: string;
      readonly correlation: string;
      readonly depth: number;
      readonly tags: readonly string[];
    }
  | {
      readonly kind: 'tags';
      readonly ids: readonly string[];
      readonly add: readonly string[];
      readonly remove: readonly string[];
    }
  | { readonly kind: 'importance'; readonly ids: readonly string[]; readonly importance: number };

/** What becomes of one action of a firing before anything is written. */
export interface Planned {
  readonly type: Action['action_type'];
  readonly outcome: Effect | { readonly kind: 'skipped' | 'failed'; readonly why: string };
}

/** What an operator has set for the actions of all tenants. */
export interface ActionSettings {
  readonly rae_api_url: string | null;
  readonly most_depth: number;
}

/** The actions of a firing in their order, as rows to write; what cannot be done is said. Pure. */
export function planned(decision: Decision, tenantId: string, settings: ActionSettings): readonly Planned[] {
  const { rule, event } = decision;
  const naming: Naming = { event, rule: ruleFields(decision) };
  const result: Planned[] = [];
  let stopped = false;
  for (const [at, action] of inOrder(rule.rule.actions).entries()) {
    const type = action.action_type;
    if (stopped) {
      result.push({ type, outcome: { kind: 'skipped', why: 'an earlier action failed' } });
    } else if (action.execute_if !== undefined && !holds(action.execute_if, event)) {
      result.push({ type, outcome: { kind: 'skipped', why: 'its execute_if does not hold' } });
    } else {
      const planning: Planning = { decision, tenantId, settings, naming, key: `rule:${rule.id}:${event.id}:${at}` };
      const outcome = effectOf(action, planning);
      result.push({ type, outcome });
      stopped = outcome.kind === 'failed' && rule.rule.stop_on_failure;
    }
  }
  return result;
}

/** What a firing tells of its rule, in messages and for placeholders. */
export function ruleFields({ rule: { id, rule }, detail, aggregate }: Decision): Readonly<Record<string, unknown>> {
  return {
    trigger_id: id,
    rule_name: rule.rule_name,
    description: rule.description,
    priority: rule.priority,
    aggregate,
    detail: detail ?? null,
  };
}

interface Planning {
  readonly decision: Decision;
  readonly tenantId: string;
  readonly settings: ActionSettings;
  readonly naming: Naming;
  readonly key: string;
}

type Outcome = Planned['outcome'];

const failed = (why: string): Outcome => ({ kind: 'failed', why });

function inOrder(actions: readonly Action[]): readonly Action[] {
  return [...actions].sort((a, b) => (a.order ?? actions.indexOf(a)) - (b.order ?? actions.indexOf(b)));
}

function effectOf(action: Action, planning: Planning): Outcome {
  const { naming, key } = planning;
  switch (action.action_type) {
    case 'send_webhook': {
      const { url, secret, payload } = action.config;
      const channel = { type: 'webhook', url, ...(secret === undefined ? {} : { secret }) };
      const data = payload === undefined ? wholeStory(planning) : (filled(payload, naming) as object);
      return { kind: 'message', channel, type: 'rule.fired', data, key };
    }
    case 'send_notification':
    case 'send_email':
      return notification(action.config, planning);
    case 'enqueue_run': {
      const { worker, payload, delay_seconds: delay } = action.config;
      return run(worker, filled(payload, naming), delay, planning);
    }
    case 'apply_decay':
      return run('decay', {}, 0, planning);
    case 'tag_memories': {
      const ids = memoryIds(action.config.memory_ids, naming);
      if (typeof ids === 'string') return failed(ids);
      const texts = (tags: readonly string[]) => tags.map((tag) => written(tag, naming)).filter((tag) => tag !== '');
      return { kind: 'tags', ids, add: texts(action.config.add), remove: texts(action.config.remove) };
    }
    case 'set_importance': {
      const ids = memoryIds(action.config.memory_ids, naming);
      if (typeof ids === 'string') return failed(ids);
      const importance = filled(action.config.importance, naming);
      if (typeof importance === 'number' && importance >= 0 && importance <= 1)
        return { kind: 'importance', ids, importance };
      return failed(`the importance is ${JSON.stringify(importance)}; expected a number from 0 to 1`);
    }
    case 'emit_event':
      return emitted(action.config, planning);
    default:
      return apiCall(action.action_type, action.config, planning);
  }
}

type Config<Type extends Action['action_type']> = Extract<Action, { action_type: Type }>['config'];

function notification(config: Config<'send_notification'>, planning: Planning): Outcome {
  const { naming, key } = planning;
  // A line break would begin another header.
  const subject = cut(written(config.subject, naming).replace(/\s+/g, ' ').trim(), 255);
  const text = config.message ?? config.body;
  const channel = { type: 'email', to: config.to, ...(subject === '' ? {} : { subject }) };
  const data = { ...wholeStory(planning), ...(text === undefined ? {} : { message: written(text, naming) }) };
  return { kind: 'message', channel, type: 'rule.fired', data, key };
}

/** Why nothing may follow the event that others follow in their turn; undefined = it may. */
function faultOfDepth({ decision, settings }: Planning): string | undefined {
  const { depth } = decision.event;
  if (depth < settings.most_depth) return undefined;
  return `the event is already ${depth} rules deep; at most ${settings.most_depth} may follow each other`;
}

function run(worker: string, payload: unknown, delay: number, planning: Planning): Outcome {
  const fault = faultOfDepth(planning);
  if (fault !== undefined) return failed(fault);
  return { kind: 'run', worker, payload, delay, key: planning.key, depth: planning.decision.event.depth + 1 };
}

function emitted(config: Config<'emit_event'>, planning: Planning): Outcome {
  const { decision, naming } = planning;
  const { event, rule } = decision;
  const tooDeep = faultOfDepth(planning);
  if (tooDeep !== undefined) return failed(tooDeep);
  const type = written(config.event_type, naming);
  const fault = faultOfEventType(type);
  if (fault !== undefined) return failed(fault);
  return {
    kind: 'event',
    type,
    payload: filled(config.payload, naming),
    project: written(config.project, naming) || event.project,
    source: cut(`rule:${rule.rule.rule_name}`, 100),
    correlation: event.correlationId ?? event.id,
    depth: event.depth + 1,
    tags: config.tags.map((tag) => written(tag, naming)).filter((tag) => tag !== ''),
  };
}

function apiCall(preset: Preset, config: Config<Preset>, planning: Planning): Outcome {
  const { settings, naming, tenantId, decision, key } = planning;
  const base = config.base_url ?? settings.rae_api_url;
  if (base === null) return failed('it is not known where the RAE API is: set base_url, or the setting rae_api_url');
  const { project } = decision.event;
  const request = { tenant_id: tenantId, project, project_id: project, ...(filled(config.payload, naming) as object) };
  const channel = {
    type: 'webhook',
    url: `${base.replace(/\/+$/, '')}${config.path}`,
    ...(config.secret === undefined ? {} : { secret: config.secret }),
  };
  return { kind: 'message', channel, type: `rae.${preset}`, data: request, key };
}

/** What a message says when the rule does not say it itself. */
function wholeStory({ decision, naming, tenantId }: Planning): object {
  const { event } = decision;
  return {
    tenant_id: tenantId,
    rule_name: naming.rule.rule_name,
    event_type: event.type,
    rule: naming.rule,
    event: eventFields(event),
    fired_at: instant(event.at),
    number: event.number,
  };
}

/** The ids that the templates come to, or why there are none. */
function memoryIds(templates: readonly string[], naming: Naming): readonly string[] | string {
  const given = templates.flatMap((template) => filled(template, naming) ?? []);
  if (given.length === 0) return 'the event names no memory';
  const ids = given.map((id) => (typeof id === 'string' ? id.toLowerCase() : id));
  const wrong = ids.findIndex((id) => !isUuid(id));
  if (wrong !== -1) return `${cut(JSON.stringify(given[wrong]), 60)} is not the id of a memory`;
  return ids.length > 1_000 ? `${ids.length} memories; expected at most 1,000` : [...new Set(ids as string[])];
}
