import { beforeEach, describe, expect, it } from 'vitest';
import { RunLedger } from '../../src/ledger/run-ledger.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { executorOn } from '../support/executor.ts';
import { query } from '../support/query.ts';
import { consumed, executionsOf } from '../support/rule-run.ts';
import { storeEvents, storeRule } from '../support/rule-scene.ts';
import { addRun, admittedRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let tenantId: string;
let memoryId: string;

beforeEach(async () => {
  tenantId = await addTenant(database());
  const [memory] = await database().admin<{ id: string }>(
    "insert into public.memories (tenant_id, content, tags, importance) values ($1, 'text', '{old,kept}', 0.5) returning id",
    [tenantId],
  );
  memoryId = memory?.id ?? '';
});

const rule = (actions: readonly object[], columns: object = {}) =>
  storeRule(database(), tenantId, { actions, ...columns });
const event = (payload: Readonly<Record<string, unknown>> = {}, more: object = {}) =>
  storeEvents(database(), tenantId, [{ payload: { memory_id: memoryId, ...payload }, ...more }]);
const results = async () => (await executionsOf(database(), tenantId)).map(({ actions }) => actions);
const rows = (what: string) => database().admin(`select ${what} where tenant_id = $1`, [tenantId]);

describe('an action', () => {
  it('sends a webhook once, with the rule and the event', async () => {
    const id = await rule([{ action_type: 'send_webhook', config: { url: 'https://a.example/hook', secret: 'hook' } }]);
    await event({ n: 1 });
    await consumed(database(), tenantId);
    const [{ channel, type, data } = {}] = await rows('channel, type, data from public.messages');
    expect({ channel, type }).toEqual({
      channel: { type: 'webhook', url: 'https://a.example/hook', secret: 'hook' },
      type: 'rule.fired',
    });
    expect(data).toMatchObject({
      tenant_id: tenantId,
      rule: { trigger_id: id, rule_name: 'rule' },
      event: { event_type: 'custom.thing', payload: { memory_id: memoryId, n: 1 } },
      number: 1,
    });
    expect(await results()).toEqual([[{ type: 'send_webhook', state: 'done', message_id: expect.any(String) }]]);
  });

  it('writes an e-mail with what the event says in the places that its template names', async () => {
    await rule([
      {
        action_type: 'send_notification',
        config: {
          to: 'ops@acme.example',
          subject: 'Score {{payload.score}}',
          message: '{{who.name}} at {{score}}, {{nothing}}!',
        },
      },
    ]);
    await event({ score: 0.25, who: { name: 'Ada\nBcc: x' } });
    await consumed(database(), tenantId);
    expect(await rows('channel, data from public.messages')).toMatchObject([
      {
        channel: { type: 'email', to: ['ops@acme.example'], subject: 'Score 0.25' },
        data: { message: 'Ada\nBcc: x at 0.25, !' },
      },
    ]);
  });

  it('calls the RAE API by the names the original has for it, where it is known where that is', async () => {
    await rule([
      {
        action_type: 'generate_reflection',
        config: { base_url: 'https://rae.example/', payload: { max_memories: 7 } },
      },
      { action_type: 'create_snapshot' },
    ]);
    await event();
    await consumed(database(), tenantId);
    expect(await rows('channel, type, data from public.messages')).toEqual([
      {
        channel: { type: 'webhook', url: 'https://rae.example/v2/reflections/generate' },
        type: 'rae.generate_reflection',
        data: { tenant_id: tenantId, project: 'default', project_id: 'default', max_memories: 7 },
      },
    ]);
    expect(await results()).toMatchObject([
      [{ state: 'done' }, { state: 'failed', why: expect.stringContaining('rae_api_url') }],
    ]);
  });

  it('asks for runs, tags and weighs memories and emits events, in this order and in one transaction', async () => {
    await rule([
      { action_type: 'enqueue_run', config: { worker: 'decay' }, order: 9 },
      { action_type: 'tag_memories', config: { add: ['kept', 'new-{{n}}'], remove: ['old'] } },
      { action_type: 'set_importance', config: { importance: '{{payload.weight}}' } },
      {
        action_type: 'emit_event',
        config: { event_type: 'custom.done', payload: { of: '{{event.event_id}}', n: '{{n}}' } },
      },
    ]);
    await event({ n: 4, weight: 0.75 });
    expect(await consumed(database(), tenantId)).toMatchObject({
      state: 'done',
      counts: { events: 2, fired: 1, held: 0 },
    });
    expect(await rows('tags, importance from public.memories')).toEqual([
      { tags: ['kept', 'new-4'], importance: 0.75 },
    ]);
    const runs = "select worker, origin, state from public.runs where tenant_id = $1 and worker = 'decay'";
    expect(await database().admin(runs, [tenantId])).toEqual([{ worker: 'decay', origin: 'request', state: 'owed' }]);
    const [first, second] = await rows('event_type, source, depth, payload, correlation_id from public.events');
    const [cause, follower] = first?.depth === 0 ? [first, second] : [second, first];
    expect(follower).toMatchObject({ event_type: 'custom.done', source: 'rule:rule', depth: 1, payload: { n: 4 } });
    expect(follower).toMatchObject({ payload: { of: follower?.correlation_id } });
    expect(cause).toMatchObject({ event_type: 'custom.thing', depth: 0 });
    const [actions = []] = await results();
    expect(actions.map(({ type, state }) => [type, state])).toEqual([
      ['tag_memories', 'done'],
      ['set_importance', 'done'],
      ['emit_event', 'done'],
      ['enqueue_run', 'done'],
    ]);
  });

  it('that cannot be done fails alone and says why; the others are done', async () => {
    await rule([
      { action_type: 'enqueue_run', config: { worker: 'decai' } },
      { action_type: 'tag_memories', config: { memory_ids: ['{{other}}'], add: ['x'] } },
      { action_type: 'tag_memories', config: { memory_ids: '{{missing}}', add: ['x'] } },
      { action_type: 'set_importance', config: { importance: '{{weight}}' } },
      { action_type: 'tag_memories', config: { add: ['x'] } },
    ]);
    await event({ other: tenantId, weight: 7 });
    expect(await consumed(database(), tenantId)).toMatchObject({ state: 'done', failures: 0 });
    expect(await results()).toEqual([
      [
        { type: 'enqueue_run', state: 'failed', why: "there is no worker 'decai'" },
        { type: 'tag_memories', state: 'failed', why: 'the tenant has none of the memories it names' },
        { type: 'tag_memories', state: 'failed', why: 'the event names no memory' },
        { type: 'set_importance', state: 'failed', why: 'the importance is 7; expected a number from 0 to 1' },
        { type: 'tag_memories', state: 'done', memories: 1 },
      ],
    ]);
    expect(await rows('failed_actions::int, last_failure from public.trigger_tallies')).toMatchObject([
      { failed_actions: 4 },
    ]);
  });

  it('that failed stops those after it where the rule says so, and those of no other rule', async () => {
    const actions = [
      { action_type: 'enqueue_run', config: { worker: 'nobody' } },
      { action_type: 'tag_memories', config: { add: ['after'] } },
    ];
    await rule(actions, { rule_name: 'stops', stop_on_failure: true, priority: 9 });
    await rule([actions[1] as object], { rule_name: 'other', priority: 1 });
    await event();
    await consumed(database(), tenantId);
    expect((await results()).map((list) => list.map(({ state }) => state)).sort()).toEqual([
      ['done'],
      ['failed', 'skipped'],
    ]);
  });

  it('is skipped where its execute_if does not hold', async () => {
    const only = (value: number) => ({ conditions: [{ field: 'n', operator: 'equals', value }] });
    await rule([
      { action_type: 'tag_memories', config: { add: ['one'] }, execute_if: only(1) },
      { action_type: 'tag_memories', config: { add: ['two'] }, execute_if: only(2) },
    ]);
    await event({ n: 2 });
    await consumed(database(), tenantId);
    expect(await rows('tags from public.memories')).toEqual([{ tags: ['old', 'kept', 'two'] }]);
    expect(await results()).toEqual([
      [
        { type: 'tag_memories', state: 'skipped', why: 'its execute_if does not hold' },
        { type: 'tag_memories', state: 'done', memories: 1 },
      ],
    ]);
  });
});

describe('rules', () => {
  it('that set each other off come to an end', async () => {
    await rule([{ action_type: 'emit_event', config: { event_type: 'custom.thing' } }]);
    await event();
    expect(await consumed(database(), tenantId, { most_depth: 3 })).toMatchObject({
      state: 'done',
      counts: { events: 4 },
    });
    expect((await results()).map(([only]) => only?.state)).toEqual(['done', 'done', 'done', 'failed']);
  });

  it('cannot loop through the runs that they ask for: those are as deep as their rule, and so is what they emit', async () => {
    const decay = (await loadCatalogue()).get('decay');
    await rule([{ action_type: 'apply_decay' }]);
    await event({}, { depth: 2 });
    await consumed(database(), tenantId, { most_depth: 3 });
    const [run] = await database().admin<{ run_id: string; depth: number }>(
      "update public.runs set state = 'queued' where tenant_id = $1 and worker = 'decay' returning run_id, depth",
      [tenantId],
    );
    expect(run?.depth).toBe(3);
    await database().admin(`create function public.emit_thing() returns trigger language plpgsql as $$
      begin perform public.rae_emit_event('custom.thing'); return null; end $$`);
    await database().admin(
      "create trigger emit_thing after update on public.runs for each row when (new.state = 'done' and new.worker = 'decay') execute function public.emit_thing()",
    );
    const admitted = await admittedRun(database(), run?.run_id ?? '');
    await executorOn(database().tenants()).executeAll(decay, [admitted], () => undefined);
    await database().admin('drop trigger emit_thing on public.runs');
    const depths = (await rows('depth from public.events')).map(({ depth }) => depth);
    expect(depths.sort()).toEqual([2, 3]);
    await consumed(database(), tenantId, { most_depth: 3 });
    expect((await results()).map(([only]) => only?.state)).toEqual(['done', 'failed']);
    expect((await results())[1]?.[0]?.why).toContain('already 3 rules deep');
  });

  it('know how deep the steps of a run are that is code', async () => {
    const runId = await addRun(database(), tenantId, { worker: 'delivery', state: 'running', attempt: 1, depth: 2 });
    const ledger = new RunLedger(database().tenants(), 1_000);
    await database()
      .tenants()
      .inTenant(tenantId, async (tx) => {
        expect(await ledger.beginStep(tx, { tenantId, runId, attempt: 1 })).toBe(true);
        await tx.rows(query("select public.rae_emit_event('custom.thing'), public.rae_enqueue('decay')"), []);
      });
    expect(await rows('depth from public.events')).toEqual([{ depth: 2 }]);
    const runs = await rows('worker, depth from public.runs');
    expect(runs.find(({ worker }) => worker === 'decay')).toEqual({ worker: 'decay', depth: 2 });
  });

  it('of higher priority act first, and of equal priority the older one', async () => {
    const weigh = (importance: number) => [{ action_type: 'set_importance', config: { importance } }];
    await rule(weigh(0.1), { rule_name: 'last', priority: 2, created_at: '2026-01-02T00:00:00Z' });
    await rule(weigh(0.2), { rule_name: 'first', priority: 10, created_at: '2026-01-03T00:00:00Z' });
    await rule(weigh(0.3), { rule_name: 'older', priority: 2, created_at: '2026-01-01T00:00:00Z' });
    await event();
    await consumed(database(), tenantId);
    expect(await rows('importance from public.memories')).toEqual([{ importance: 0.1 }]);
  });

  it.each([
    [
      'an operator that is none',
      { condition_group: { conditions: [{ field: 'n', operator: 'gt', value: 1 }] } },
      /greater_than/,
    ],
    [
      'a regular expression that is none',
      { condition_group: { field: 'n', operator: 'matches_regex', value: '(' } },
      /missing closing/,
    ],
    ['an action that is none', { actions: [{ action_type: 'format_disk' }] }, /actions.0/],
    ['a window without an aggregate', { time_window_seconds: 60 }, /aggregate/],
    ['conditions nested without end', { condition_group: nested(500) }, /levels/],
  ])('%s takes itself out of use with a reason, and no other with it', async (_what, columns, why) => {
    const bad = await rule([], { rule_name: 'bad', priority: 10, ...columns });
    const good = await rule([{ action_type: 'tag_memories', config: { add: ['good'] } }], { rule_name: 'good' });
    await event();
    await event();
    expect(await consumed(database(), tenantId, { step_events: 1 })).toMatchObject({
      counts: { fired: 2, rules_disabled: 1 },
    });
    expect((await executionsOf(database(), tenantId)).map(({ trigger_id: id }) => id)).toEqual([good, good]);
    const [row] = await database().admin(
      'select status, last_error_message from public.trigger_rules where trigger_id = $1',
      [bad],
    );
    expect(row).toMatchObject({ status: 'error', last_error_message: expect.stringMatching(why) });
  });

  it('of one tenant never see events, memories or rules of another', async () => {
    const other = await addTenant(database());
    await storeRule(database(), other, {
      rule_name: 'theirs',
      actions: [{ action_type: 'tag_memories', config: { add: ['theirs'] } }],
    });
    await rule([{ action_type: 'tag_memories', config: { add: ['mine'] } }]);
    await event();
    // Names a memory of the first tenant.
    await storeEvents(database(), other, [{ payload: { memory_id: memoryId } }]);
    await consumed(database(), other);
    expect(await rows('tags from public.memories')).toEqual([{ tags: ['old', 'kept'] }]);
    expect((await executionsOf(database(), other)).map(({ actions }) => actions[0]?.state)).toEqual(['failed']);
    expect(await executionsOf(database(), tenantId)).toEqual([]);
    await consumed(database(), tenantId);
    expect(await rows('tags from public.memories')).toEqual([{ tags: ['old', 'kept', 'mine'] }]);
  });

  it('take texts that end in half a character where they are cut, and messages too large for one', async () => {
    const subject = '{{payload.pad}}{{payload.face}}';
    const short = { pad: 'x'.repeat(254), face: '😀' };
    await rule(
      [
        { action_type: 'send_notification', config: { to: ['ops@acme.example'], subject } },
        {
          action_type: 'emit_event',
          config: { event_type: 'custom.done', payload: { all: '{{event}}', again: '{{payload.long}}' } },
        },
      ],
      { rule_name: `${'x'.repeat(94)}😀` },
    );
    await event({ ...short, long: 'y'.repeat(40_000) });
    await event(short);
    expect(await consumed(database(), tenantId)).toMatchObject({ state: 'done', counts: { fired: 2 } });
    const messages = await rows("channel ->> 'subject' as subject from public.messages");
    expect(messages).toEqual([{ subject: 'x'.repeat(254) }, { subject: 'x'.repeat(254) }]);
    expect((await results()).map((list) => list.map(({ state }) => state))).toEqual([
      ['done', 'failed'],
      ['done', 'done'],
    ]);
  });

  it('forget after the time the policy says, and keep their place in the order', async () => {
    await rule([]);
    await event();
    await consumed(database(), tenantId);
    await database().admin(
      "update public.consumed_events set consumed_at = now() - interval '91 days' where tenant_id = $1",
      [tenantId],
    );
    await event();
    await consumed(database(), tenantId);
    expect((await executionsOf(database(), tenantId)).map(({ number }) => number)).toEqual([2]);
    // And are woken for what is left, should no event come any more.
    expect(
      await rows(
        "due_at > now() + interval '89 days' and due_at < now() + interval '91 days' as later from public.tenant_cadences",
      ),
    ).toEqual([{ later: true }]);
  });
});

function nested(levels: number): object {
  return levels === 0 ? { field: 'n', operator: 'is_null' } : { groups: [nested(levels - 1)] };
}
