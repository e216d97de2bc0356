import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TestDatabase, useDatabase } from '../support/database.ts';
import { type ExpectedExecution, type ReferenceRule, RuleReference } from '../support/rule-reference.ts';
import { consumed } from '../support/rule-run.ts';
import { someEvent, someRule } from '../support/rule-samples.ts';
import { storeEvents, storeRule } from '../support/rule-scene.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const RUNS = Number(process.env.TEST_RUNS ?? 40);

/** What somebody does to the rules between two times of consuming. */
const someEdit = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), rule: someRule }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('replace' as const), at: fc.nat(), rule: someRule }) },
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('switch' as const), at: fc.nat() }),
);

const somePhase = fc.record({
  edits: fc.array(someEdit, { maxLength: 3 }),
  events: fc.array(someEvent, { maxLength: 25 }),
  stepEvents: fc.integer({ min: 1, max: 12 }),
});

type Edit = typeof someEdit extends fc.Arbitrary<infer T> ? T : never;

async function edit(tenantId: string, change: Edit, names: { next: number }): Promise<void> {
  if (change.kind === 'add') {
    names.next += 1;
    await storeRule(database(), tenantId, { rule_name: `rule ${names.next}`, ...change.rule });
    return;
  }
  const rules = await database().admin<{ trigger_id: string }>(
    'select trigger_id from public.trigger_rules where tenant_id = $1 order by created_at',
    [tenantId],
  );
  const id = rules[change.at % Math.max(1, rules.length)]?.trigger_id;
  if (id === undefined) return;
  if (change.kind === 'remove') {
    await database().admin('delete from public.trigger_rules where trigger_id = $1', [id]);
  } else if (change.kind === 'switch') {
    await database().admin('update public.trigger_rules set is_enabled = not is_enabled where trigger_id = $1', [id]);
  } else {
    await database().admin(
      `update public.trigger_rules r set (project, event_types, condition_group, time_window_seconds, aggregate, cooldown_seconds,
         max_executions_per_hour, priority) = (n.project, n.event_types, n.condition_group, n.time_window_seconds, n.aggregate,
         n.cooldown_seconds, n.max_executions_per_hour, n.priority)
        from jsonb_populate_record(null::public.trigger_rules, $2) n where r.trigger_id = $1`,
      [id, JSON.stringify(change.rule)],
    );
  }
}

async function rulesInUse(from: TestDatabase, tenantId: string): Promise<readonly ReferenceRule[]> {
  return await from.admin<ReferenceRule & Record<string, unknown>>(
    `select trigger_id, since_number::int as since, project, event_types, condition_group, time_window_seconds, aggregate,
            cooldown_seconds, max_executions_per_hour
       from public.trigger_rules where tenant_id = $1 and is_enabled and status = 'active'`,
    [tenantId],
  );
}

type Consumed = {
  readonly number: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly project: string;
  readonly payload: unknown;
  readonly at: number;
};

async function consumedAfter(tenantId: string, number: number): Promise<readonly Consumed[]> {
  return await database().admin<Consumed>(
    `select c.number::int as number, c.event_id, e.event_type, e.project, e.payload, (extract(epoch from c.at) * 1000)::float8 as at
       from public.consumed_events c join public.events e using (tenant_id, event_id)
      where c.tenant_id = $1 and c.number > $2 order by c.number`,
    [tenantId, number],
  );
}

const sorted = (executions: readonly ExpectedExecution[]) => executions.map((one) => JSON.stringify(one)).sort();

async function recorded(tenantId: string): Promise<readonly ExpectedExecution[]> {
  return await database().admin<ExpectedExecution & Record<string, unknown>>(
    'select number::int as number, trigger_id, event_id, outcome, reason from public.trigger_executions where tenant_id = $1',
    [tenantId],
  );
}

describe('the executions of any rules and events', () => {
  it('are those of a plain evaluation of each event in the order of consumption, whatever the steps, late events and edits', async () => {
    const seen = { fired: 0, window: 0, cooldown: 0, rate: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(somePhase, { minLength: 1, maxLength: 4 }), async (phases) => {
        const tenantId = await addTenant(database());
        const reference = new RuleReference();
        const expected: ExpectedExecution[] = [];
        const names = { next: 0 };
        let last = 0;
        for (const { edits, events, stepEvents } of phases) {
          for (const change of edits) await edit(tenantId, change, names);
          await storeEvents(database(), tenantId, events);
          const rules = await rulesInUse(database(), tenantId);
          expect(await consumed(database(), tenantId, { step_events: stepEvents })).toMatchObject({ state: 'done' });
          const order = await consumedAfter(tenantId, last);
          expect(order.map(({ number }) => number)).toEqual(events.map((_event, at) => last + 1 + at));
          expected.push(...reference.ask(rules, order));
          last += events.length;
        }
        expect(sorted(await recorded(tenantId))).toEqual(sorted(expected));
        for (const { outcome, reason } of expected) seen[(reason ?? outcome) as keyof typeof seen] += 1;
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(0);
  });
});
