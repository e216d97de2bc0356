import { describe, expect, it } from 'vitest';
import { readRule } from '../../workers/trigger-evaluation/rule.ts';
import { useDatabase } from '../support/database.ts';
import { consumed, executionsOf } from '../support/rule-run.ts';
import { storeEvents, storeRule } from '../support/rule-scene.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const outcomes = async (tenantId: string) =>
  (await executionsOf(database(), tenantId)).map(({ outcome, reason }) => reason ?? outcome);
const second = (n: number) => new Date(Date.UTC(2026, 2, 4, 10) + n * 1_000);

describe('what was wrong in the original and is not here', () => {
  it('flaw 18: rules are found, workers emit events, and a rule fires', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId, { event_types: ['decay_completed'] });
    await database()
      .tenants()
      .inTenant(tenantId, (tx) =>
        tx.rows(
          { name: 'emit', key: 'emit', text: "select public.rae_emit_event('decay_completed', '{}', source => $1)" },
          ['decay'],
        ),
      );
    await consumed(database(), tenantId);
    expect(await outcomes(tenantId)).toEqual(['fired']);
  });

  it('flaw 20: a rule keeps its OR, its nested groups, its cooldown and its limit, and belongs to its tenant', async () => {
    const [tenantId, other] = [await addTenant(database()), await addTenant(database())];
    const leaf = (field: string, value: unknown) => ({ field, operator: 'equals', value });
    const reading = readRule({
      name: 'kept',
      condition: {
        event_types: ['custom.thing'],
        condition_group: {
          operator: 'OR',
          conditions: [leaf('a', 1), { operator: 'AND', conditions: [leaf('b', 1), leaf('c', 1)] }],
          groups: [{ operator: 'AND', conditions: [leaf('d', 1)], groups: [] }],
        },
        cooldown_seconds: 10,
        max_executions_per_hour: 3,
      },
      actions: [],
      enabled: true,
    });
    if ('mistakes' in reading) throw new Error(reading.mistakes.join());
    const { condition_group: _read, ...columns } = reading.rule;
    const group = {
      operator: 'OR',
      conditions: [leaf('a', 1), { operator: 'AND', conditions: [leaf('b', 1), leaf('c', 1)] }],
    };
    await storeRule(database(), tenantId, { ...columns, condition_group: { ...group, groups: [leaf('d', 1)] } });
    const payloads = [{ a: 1 }, { b: 1 }, { b: 1, c: 1 }, { d: 1 }, { d: 1 }, {}];
    for (const id of [tenantId, other]) {
      await storeEvents(
        database(),
        id,
        payloads.map((payload, n) => ({ payload, at: second(n * 20) })),
      );
      await consumed(database(), id);
    }
    expect(await outcomes(tenantId)).toEqual(['fired', 'fired', 'fired', 'rate']);
    expect(await outcomes(other)).toEqual([]);
  });

  it('flaw 20: a rule that is switched off does nothing until it is switched on', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId, { is_enabled: false });
    await storeEvents(database(), tenantId, [{}]);
    await consumed(database(), tenantId);
    await database().admin('update public.trigger_rules set is_enabled = true where tenant_id = $1', [tenantId]);
    await storeEvents(database(), tenantId, [{}]);
    await consumed(database(), tenantId);
    expect((await executionsOf(database(), tenantId)).map(({ number }) => number)).toEqual([2]);
  });

  it('flaw 21: comparing a number with a field that is not there is false, and no other rule is lost for it', async () => {
    const tenantId = await addTenant(database());
    const compare = (field: string) => ({ conditions: [{ field, operator: 'greater_than', value: 0.9 }] });
    await storeRule(database(), tenantId, {
      rule_name: 'missing',
      condition_group: compare('payload.missing'),
      priority: 9,
    });
    await storeRule(database(), tenantId, { rule_name: 'there', condition_group: compare('payload.importance') });
    await storeEvents(database(), tenantId, [{ payload: { importance: 0.95 } }]);
    expect(await consumed(database(), tenantId)).toMatchObject({ state: 'done', failures: 0 });
    expect(await outcomes(tenantId)).toEqual(['fired']);
  });

  it('flaw 21: a webhook carries ids as text, goes out by delivery, and only where a URL is one', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId, {
      actions: [{ action_type: 'send_webhook', config: { url: 'https://a.example' } }],
    });
    await storeEvents(database(), tenantId, [{}]);
    await consumed(database(), tenantId);
    const [message] = await database().admin<{ data: { event: { event_id: unknown } } }>(
      'select data from public.messages where tenant_id = $1',
      [tenantId],
    );
    expect(typeof message?.data.event.event_id).toBe('string');
    for (const url of ['file:///etc/passwd', 'a.example', 'https://{{payload.host}}/']) {
      const actions = [{ action_type: 'send_webhook', config: { url } }];
      expect(readRule({ rule_name: 'x', event_types: ['custom.thing'], actions })).toHaveProperty('mistakes');
    }
  });

  it('flaw 22: the limit of an hour is counted and kept in one transaction, over an hour that slides', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId, { max_executions_per_hour: 2 });
    const minutes = [0, 50, 59, 61, 62, 109, 111];
    await storeEvents(
      database(),
      tenantId,
      minutes.map((minute) => ({ at: second(minute * 60) })),
    );
    // Two at once: they take their turns.
    await Promise.all([
      consumed(database(), tenantId, { step_events: 2 }),
      consumed(database(), tenantId, { step_events: 3 }),
    ]);
    expect(await outcomes(tenantId)).toEqual(['fired', 'fired', 'rate', 'fired', 'rate', 'rate', 'fired']);
  });
});
