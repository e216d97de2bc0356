import type { TestDatabase } from './database.ts';

/** A rule as a test stores it: columns that differ from a rule which fires on every `custom.thing`. */
export type RuleColumns = Readonly<Record<string, unknown>>;

/** An event as a test stores it. */
export interface StoredEvent {
  readonly id?: string;
  readonly type?: string;
  readonly project?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly at?: Date | string;
  readonly depth?: number;
}

/** Stores a rule as a superuser, past every check but the table's own. @returns its id */
export async function storeRule(database: TestDatabase, tenantId: string, columns: RuleColumns = {}): Promise<string> {
  const row = { tenant_id: tenantId, rule_name: 'rule', event_types: ['custom.thing'], ...columns };
  const [rule] = await database.admin<{ trigger_id: string }>(
    `insert into public.trigger_rules (${Object.keys(row).join(', ')})
       select ${Object.keys(row).join(', ')} from jsonb_populate_record(null::public.trigger_rules, $1) returning trigger_id`,
    [JSON.stringify(row)],
  );
  return rule?.trigger_id ?? '';
}

/** Stores events, one statement each, so that they wait in this order. */
export async function storeEvents(
  database: TestDatabase,
  tenantId: string,
  events: readonly StoredEvent[],
): Promise<void> {
  for (const { id, type = 'custom.thing', project = 'default', payload = {}, at, depth = 0 } of events) {
    await database.admin(
      `insert into public.events (tenant_id, event_id, event_type, project, payload, created_at, depth)
         values ($1, coalesce($2, gen_random_uuid()), $3, $4, $5, coalesce($6, clock_timestamp()), $7)`,
      [tenantId, id ?? null, type, project, JSON.stringify(payload), at ?? null, depth],
    );
  }
}

const FIRST = new Date('2026-03-04T10:00:00Z').getTime();

/** Rules and events for a scene of the worker contract: every second event tags and weighs a memory. */
export async function furnishRules(database: TestDatabase, tenantId: string, otherId: string): Promise<void> {
  for (const [at, id] of [tenantId, otherId].entries()) {
    const memories = await database.admin<{ id: string }>(
      'select id from public.memories where tenant_id = $1 order by id',
      [id],
    );
    await storeRule(database, id, {
      trigger_id: `00000000-0000-4000-8000-00000000000${at}`,
      created_at: '2026-03-01T00:00:00Z',
      condition_group: {
        operator: 'AND',
        conditions: [{ field: 'n', operator: 'in', value: [0, 2, 4, 6, 8, 10, 12] }],
      },
      cooldown_seconds: 60,
      actions: [
        { action_type: 'tag_memories', config: { add: ['seen', 'rule-{{payload.n}}'] } },
        { action_type: 'set_importance', config: { importance: 0.25 } },
      ],
    });
    await storeEvents(
      database,
      id,
      Array.from({ length: 16 }, (_none, n) => ({
        id: `10000000-0000-4000-8000-0000000000${String(10 + n)}`,
        payload: { n, memory_id: memories[n]?.id ?? '' },
        at: new Date(FIRST + n * 40_000),
      })),
    );
  }
}
