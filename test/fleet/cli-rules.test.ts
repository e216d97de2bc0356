import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { consumed, executionsOf } from '../support/rule-run.ts';
import { storeEvents } from '../support/rule-scene.ts';
import { addTenant } from '../support/tenants.ts';

useProcesses();
const database = useDatabase();
const folder = mkdtempSync(join(tmpdir(), 'rae-rules-'));

/** Runs `rae` to its end as the superuser, who is a member of every role. */
async function rae(...args: readonly string[]) {
  const started = startRae(args, { RAE_DATABASE_URL: database().url('admin'), RAE_REDIS_URL: 'redis://127.0.0.1:1' });
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await rae(...args, '--json');
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out) as Record<string, unknown>;
}

function fileOf(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const STORM = {
  rule_name: 'drift storm',
  event_types: ['drift_detected'],
  condition_group: {
    operator: 'AND',
    conditions: [
      { field: 'payload.score', operator: 'greater_than', value: 0.5 },
      { operator: 'OR', conditions: [{ field: 'kind', operator: 'equals', value: 'data' }] },
    ],
  },
  time_window_seconds: 600,
  aggregate: { value: 3 },
  actions: [{ action_type: 'emit_event', config: { event_type: 'custom.storm', payload: { score: '{{score}}' } } }],
};
const minute = (n: number) => new Date(Date.UTC(2026, 2, 4, 10, n));
const drifts = (...minutes: readonly number[]) =>
  minutes.map((n) => ({ type: 'drift_detected', payload: { score: 0.9, kind: 'data' }, at: minute(n) }));

describe('rae rule', () => {
  it('stores a rule once, changes it, lists it with what it did, and removes it', async () => {
    const tenantId = await addTenant(database());
    const file = fileOf('storm.json', STORM);
    const set = ['rule', 'set', '--tenant', tenantId];
    expect(await json(...set, '--file', file)).toMatchObject({ created: true, changed: true, version: 1, state: 'on' });
    expect(await json(...set, '--file', file)).toMatchObject({ created: false, changed: false, version: 1 });
    await storeEvents(database(), tenantId, drifts(1, 5, 9, 20));
    await consumed(database(), tenantId);
    expect(await json('rule', 'list', '--tenant', tenantId)).toMatchObject({
      rules: [{ rule_name: 'drift storm', execution_count: 1, held_count: 3, state: 'on' }],
    });
    const { executions } = (await json('rule', 'list', 'drift storm', '--tenant', tenantId)) as {
      executions: readonly { number: number; outcome: string; detail: string }[];
    };
    expect(executions.map(({ number, outcome }) => [number, outcome])).toEqual([
      [4, 'held'],
      [3, 'fired'],
      [2, 'held'],
      [1, 'held'],
    ]);
    expect(executions[1]?.detail).toBe('count 3 in 600 s; wanted greater_equal 3');
    expect(await json(...set, 'drift storm', '--set', 'is_enabled=false')).toMatchObject({ version: 2, state: 'off' });
    expect((await rae('rule', 'list', '--tenant', tenantId)).out).toMatch(/drift storm +5 +off/);
    expect(await json('rule', 'remove', 'drift storm', '--tenant', tenantId)).toMatchObject({ removed: true });
    expect(await json('rule', 'list', '--tenant', tenantId)).toMatchObject({ rules: [] });
  });

  it('explains node by node what a rule makes of an event, stored or not, and does nothing', async () => {
    const tenantId = await addTenant(database());
    const file = fileOf('storm.json', STORM);
    const { trigger_id: id } = await json('rule', 'set', '--tenant', tenantId, '--file', file);
    const event = '10000000-0000-4000-8000-000000000001';
    await storeEvents(database(), tenantId, [...drifts(1, 5), { id: event, ...drifts(9)[0] }]);
    await consumed(database(), tenantId);
    const before = await executionsOf(database(), tenantId);
    const test = ['rule', 'test', '--tenant', tenantId, '--event'];
    expect(await json(...test, event, String(id))).toMatchObject({
      number: 3,
      outcome: 'fires',
      conditions: {
        operator: 'AND',
        holds: true,
        members: [
          { found: 0.9, holds: true },
          { operator: 'OR', holds: true },
        ],
      },
      gates: [{ reason: 'window', open: true, says: 'count 3 in 600 s; wanted greater_equal 3' }],
      actions: [{ type: 'emit_event', would: { kind: 'event', payload: { score: 0.9 } } }],
    });
    const other = fileOf('event.json', { event_type: 'drift_detected', payload: { score: 'high', kind: 'concept' } });
    const { out, code } = await rae(...test, other, '--file', file);
    expect({ out, code }).toEqual({
      code: 0,
      out: [
        "✓ event type and project are the rule's",
        '✗ AND',
        '  ✗ payload.score greater_than 0.5: found "high" (text and a number have no order)',
        '  ✗ OR',
        '    ✗ kind equals "data": found "concept"',
        'its conditions do not hold',
        '',
      ].join('\n'),
    });
    expect(await executionsOf(database(), tenantId)).toEqual(before);
  });

  it('runs a rule over past events without acting, with the result that it had', async () => {
    const tenantId = await addTenant(database());
    const file = fileOf('storm.json', STORM);
    await storeEvents(database(), tenantId, drifts(1, 2, 3, 4, 40, 41, 42));
    await consumed(database(), tenantId);
    const range = ['--from', '2026-03-04', '--to', '2026-03-05'];
    const result = await json('rule', 'backtest', '--tenant', tenantId, '--file', file, ...range);
    expect(result).toMatchObject({ events: 7, fired: 3, held: { window: 4, cooldown: 0, rate: 0 } });
    expect((result.firings as { number: number }[]).map(({ number }) => number)).toEqual([3, 4, 7]);
    expect(await database().admin('select from public.events where tenant_id = $1', [tenantId])).toHaveLength(7);
    const { out } = await rae('rule', 'backtest', '--tenant', tenantId, '--file', file, ...range, '--limit', '1');
    expect(out).toMatch(/^7 events; it would have fired 3 times/);
  });

  it('makes rules from templates, whose parameters it checks', async () => {
    const tenantId = await addTenant(database());
    const set = ['rule', 'set', '--tenant', tenantId];
    const guard = [...set, 'guard', '--template', 'budget_guard'];
    expect(await json(...guard, '--param', 'to=["ops@acme.example"]', '--param', 'threshold=0.8')).toMatchObject({
      rule: { template_id: 'budget_guard', event_types: ['budget_warning', 'budget_exceeded'], priority: 8 },
    });
    await json(...set, 'reflect', '--template', 'auto_reflection', '--param', 'memory_threshold=2');
    await json(...set, 'alert', '--template', 'quality_alert', '--param', 'url=https://a.example/hook');
    for (const [args, words] of [
      [[...guard, '--param', 'threshold=12', '--param', 'to=["a@b.example"]'], 'threshold: '],
      [guard, 'whom to tell'],
      [[...set, 'x', '--template', 'quality_alarm'], 'did you mean quality_alert?'],
      [[...guard, '--param', 'url=file:///etc/passwd'], 'expected https://host/path'],
    ] as const) {
      const { code, err } = await rae(...args);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(words) });
    }
    await storeEvents(
      database(),
      tenantId,
      Array.from({ length: 5 }, () => ({ type: 'memory_created' })),
    );
    await consumed(database(), tenantId);
    const fired = (await executionsOf(database(), tenantId)).filter(({ outcome }) => outcome === 'fired');
    expect(fired.map(({ number }) => number)).toEqual([2, 4]);
  });

  it('flaw 19: a rule named like a command or a word of the interface is found by its name', async () => {
    const tenantId = await addTenant(database());
    for (const name of ['list', 'templates', 'health']) {
      const file = fileOf('named.json', { ...STORM, rule_name: name });
      await json('rule', 'set', '--tenant', tenantId, '--file', file);
      expect(await json('rule', 'list', name, '--tenant', tenantId)).toMatchObject({ rule_name: name, executions: [] });
    }
  });

  it('says what is wrong with a rule, where, and what was meant', async () => {
    const tenantId = await addTenant(database());
    const condition_group = { conditions: [{ field: 'n', operator: 'gt', value: 1 }] };
    const wrong = fileOf('wrong.json', { ...STORM, event_types: ['drift_detectd'], condition_group, colour: 1 });
    const { code, err } = await rae('rule', 'set', '--tenant', tenantId, '--file', wrong);
    expect(code).toBe(2);
    expect(err).toContain('event_types.0: there is no event type "drift_detectd"; did you mean drift_detected?');
    expect(err).toContain(
      'condition_group.conditions.0.operator: there is no operator "gt"; did you mean greater_than?',
    );
    expect(err).toContain('colour');
    expect(await rae('rule', 'test', 'drift strm', '--tenant', tenantId, '--event', tenantId)).toMatchObject({
      code: 3,
    });
    expect(await rae('rule', 'set', '--tenant', tenantId)).toMatchObject({ code: 2 });
  });
});
