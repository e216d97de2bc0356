import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';

const sql = loadStatements(new URL('./rule-book.sql', import.meta.url), [
  'list',
  'store',
  'enable',
  'remove',
  'event',
  'past',
  'history',
  'executions',
]);

/** Each event of a tenant is held against all its rules. */
export const MOST_RULES = 500;
const PAGE = 1_000;
const MOST_HISTORY = 20_000;

/** A trigger rule as it is stored, with how often it fired and was held back. */
export interface StoredRule extends Row {
  readonly trigger_id: string;
  readonly rule_name: string;
  readonly project: string | null;
  readonly event_types: readonly string[];
  readonly priority: number;
  readonly status: string;
  readonly is_enabled: boolean;
  readonly last_error_message: string | null;
  readonly version: number;
  readonly since_number: string;
  readonly execution_count: number;
  readonly held_count: number;
  readonly failed_actions: number;
  readonly last_executed_at: Date | null;
}

/** An event with its time in µs; `number` null = no rule was asked about it yet. */
export interface RecordedEvent extends Row {
  readonly event_id: string;
  readonly event_type: string;
  readonly project: string;
  readonly source: string | null;
  readonly payload: unknown;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly correlation_id: string | null;
  readonly tags: readonly string[];
  readonly metadata: unknown;
  readonly depth: number;
  readonly number: string | null;
  readonly at: string;
}

/** One earlier event that met a rule's conditions. */
export interface PastMatch extends Row {
  readonly number: string;
  readonly at: string;
  readonly value: number | null;
  readonly fired: boolean;
  /** It counts for the window: the rule was not edited since. */
  readonly counts: boolean;
}

/** What a rule did with one event. */
export interface ExecutionRecord extends Row {
  readonly number: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly at: Date;
  readonly outcome: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly actions: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The trigger rules of tenants, and what they did. Acts as `rae_api` inside the tenant, which the caller has found to be
 * there. What is stored here was read and found right before: the worker reads it again.
 */
export class RuleBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** All rules of the tenant in the order in which they are asked. */
  async list(tenantId: string): Promise<readonly StoredRule[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<StoredRule>(sql.list, [tenantId, 10 * MOST_RULES]));
  }

  /** The rule of this id or name. @throws RaeError `RAE_NOT_FOUND` with the nearest name; `RAE_USAGE` where several projects have it. */
  async find(tenantId: string, named: string): Promise<StoredRule> {
    return ruleNamed(await this.list(tenantId), named, tenantId);
  }

  /**
   * Stores a rule under its name and project, in place of the one that is there; one that had taken itself out of use is in
   * use again. @param columns a rule that was read. @throws RaeError `RAE_REFUSED` for one rule too many.
   */
  async store(
    tenantId: string,
    columns: Readonly<Record<string, unknown>>,
    author: Author = OPERATOR,
  ): Promise<{ readonly triggerId: string; readonly created: boolean }> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [stored] = await tx.rows<{ trigger_id: string; created: boolean }>(sql.store, [
        tenantId,
        JSON.stringify(columns),
      ]);
      if (stored === undefined) throw new RaeError('RAE_INTERNAL', 'the rule was not stored');
      const rules = await tx.rows(sql.list, [tenantId, MOST_RULES + 1]);
      if (stored.created && rules.length > MOST_RULES) {
        throw new RaeError('RAE_REFUSED', `the tenant has ${MOST_RULES} rules already; at most so many are asked`, {
          hint: 'remove one, or join conditions by OR',
        });
      }
      const detail = { trigger_id: stored.trigger_id, created: stored.created, ...harmless(columns) };
      await enter(tx, author, 'rule.set', detail);
      return { triggerId: stored.trigger_id, created: stored.created };
    });
  }

  /** Switches a rule on or off. @throws RaeError `RAE_NOT_FOUND` */
  async enable(tenantId: string, triggerId: string, on: boolean, author: Author = OPERATOR): Promise<void> {
    await this.#one(tenantId, sql.enable, [tenantId, triggerId, on], { author, action: 'rule.set', is_enabled: on });
  }

  /** Removes a rule; what it did stays recorded. @throws RaeError `RAE_NOT_FOUND` */
  async remove(tenantId: string, triggerId: string, author: Author = OPERATOR): Promise<void> {
    await this.#one(tenantId, sql.remove, [tenantId, triggerId], { author, action: 'rule.removed' });
  }

  /** @throws RaeError `RAE_NOT_FOUND` */
  async event(tenantId: string, eventId: string): Promise<RecordedEvent> {
    return await this.#one<RecordedEvent>(tenantId, sql.event, [tenantId, eventId]);
  }

  /** The events consumed that are of [from, to), in the order of consumption, page by page. */
  async *past(tenantId: string, from: Date, to: Date): AsyncGenerator<readonly RecordedEvent[]> {
    let after: string | null = '0';
    while (after !== null) {
      const values: readonly unknown[] = [tenantId, after, from, to, PAGE];
      type Page = { last: string | null; events: readonly RecordedEvent[] };
      const [page]: (Page | undefined)[] = await this.#tenants.inTenant(tenantId, (tx) =>
        tx.rows<Page>(sql.past, values),
      );
      after = page?.last ?? null;
      yield page?.events ?? [];
    }
  }

  /** What the rule did before the number, as far back as the instant. */
  async history(tenantId: string, rule: StoredRule, before: string | null, after: Date): Promise<readonly PastMatch[]> {
    const values = [tenantId, rule.trigger_id, before, rule.since_number, after, MOST_HISTORY];
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<PastMatch>(sql.history, values));
  }

  /** What the rule did, the newest first. @param before the number of the last one of the page before */
  async executions(
    tenantId: string,
    triggerId: string,
    limit: number,
    before: string | null = null,
  ): Promise<readonly ExecutionRecord[]> {
    return this.#tenants.inTenant(tenantId, (tx) =>
      tx.rows<ExecutionRecord>(sql.executions, [tenantId, triggerId, limit, before]),
    );
  }

  async #one<R extends Row>(
    tenantId: string,
    statement: (typeof sql)[keyof typeof sql],
    values: readonly unknown[],
    change?: { readonly author: Author; readonly action: string } & Row,
  ): Promise<R> {
    const row = await this.#tenants.inTenant(tenantId, async (tx) => {
      const [found] = await tx.rows<R>(statement, values);
      if (found === undefined || change === undefined) return found;
      const { author, action, ...more } = change;
      await enter(tx, author, action, { trigger_id: values[1], ...found, ...more });
      return found;
    });
    if (row !== undefined) return row;
    throw new RaeError(
      'RAE_NOT_FOUND',
      `the tenant has no ${statement.name === 'event' ? 'event' : 'rule'} ${String(values[1])}`,
    );
  }
}

/** A rule as the audit log keeps it: what its actions are, and not where they go or with what. */
function harmless({ rule_name, project, event_types, priority, is_enabled, actions }: Row): Row {
  const types = Array.isArray(actions) ? actions.map((action: Row) => action?.action_type) : [];
  return { rule_name, project, event_types, priority, is_enabled, actions: types };
}

/** The rule of this id or name among all of a tenant. @throws RaeError `RAE_NOT_FOUND`, `RAE_USAGE` */
export function ruleNamed(rules: readonly StoredRule[], named: string, tenantId: string): StoredRule {
  const found = rules.filter(({ trigger_id: id, rule_name: name }) => id === named || name === named);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    const ids = found.map(({ trigger_id: id, project }) => `${id} (${project ?? 'every project'})`);
    throw new RaeError(
      'RAE_USAGE',
      `${found.length} rules are named ${JSON.stringify(named)}; say which: ${ids.join(', ')}`,
    );
  }
  const near = nearest(
    named,
    rules.map(({ rule_name: name }) => name),
  );
  throw new RaeError('RAE_NOT_FOUND', `the tenant has no rule ${JSON.stringify(named)}`, {
    hint:
      near === undefined
        ? `see its rules with: rae rule list --tenant ${tenantId}`
        : `did you mean ${JSON.stringify(near)}?`,
  });
}
