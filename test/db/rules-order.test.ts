import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { consumed, executionsOf } from '../support/rule-run.ts';
import { storeEvents, storeRule } from '../support/rule-scene.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();

const EMIT = "select public.rae_emit_event('custom.thing', jsonb_build_object('n', $1::int))";

/** Emits as an API server does, in a transaction that is still open. */
async function emitting(client: pg.Client, tenantId: string, ...numbers: readonly number[]): Promise<void> {
  await client.query('begin');
  await client.query('select public.rae_enter_tenant($1)', [tenantId]);
  for (const n of numbers) await client.query(EMIT, [n]);
}

async function order(tenantId: string): Promise<readonly number[]> {
  const rows = await database().admin<{ n: number }>(
    `select (e.payload ->> 'n')::int as n from public.consumed_events c join public.events e using (tenant_id, event_id)
      where c.tenant_id = $1 order by c.number`,
    [tenantId],
  );
  return rows.map(({ n }) => n);
}

const waiting = async () => {
  const rows = await database().admin(
    "select from pg_catalog.pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length > 0 ? true : undefined;
};

describe('an event', () => {
  it('that was written early and committed late is consumed then, and nothing twice', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId);
    await connected(database().url('rae_api'), async (early) => {
      await connected(database().url('rae_api'), async (late) => {
        await emitting(early, tenantId, 1, 2);
        await emitting(late, tenantId, 3);
        await late.query('commit');
      });
      await consumed(database(), tenantId);
      expect(await order(tenantId)).toEqual([3]);
      await early.query('commit');
    });
    await consumed(database(), tenantId);
    await consumed(database(), tenantId);
    expect(await order(tenantId)).toEqual([3, 1, 2]);
    expect((await executionsOf(database(), tenantId)).map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it('whose transaction is rolled back was never there', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId);
    await connected(database().url('rae_api'), async (client) => {
      await emitting(client, tenantId, 1);
      await client.query('rollback');
    });
    expect(await consumed(database(), tenantId)).toMatchObject({ counts: { events: 0 } });
  });

  it('that is removed before it is consumed leaves no number and holds up nothing', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId);
    await storeEvents(database(), tenantId, [{ payload: { n: 1 } }, { payload: { n: 2 } }]);
    await database().admin("delete from public.events where tenant_id = $1 and payload ->> 'n' = '1'", [tenantId]);
    expect(await consumed(database(), tenantId)).toMatchObject({ state: 'done', counts: { events: 1, fired: 1 } });
    expect(await order(tenantId)).toEqual([2]);
  });

  it('said to be of the future counts as of the time it is consumed', async () => {
    const tenantId = await addTenant(database());
    await storeRule(database(), tenantId, { cooldown_seconds: 1 });
    await storeEvents(database(), tenantId, [{ at: '2199-01-01T00:00:00Z' }, { at: 'infinity' }, { at: '-infinity' }]);
    await consumed(database(), tenantId);
    const rows = await database().admin(
      "select from public.consumed_events where tenant_id = $1 and at between '1970-01-01' and now() + interval '1 minute'",
      [tenantId],
    );
    expect(rows).toHaveLength(3);
  });
});

describe('an edit of a rule', () => {
  it('waits for the step that consumes, and counts from the next number on', async () => {
    const tenantId = await addTenant(database());
    const id = await storeRule(database(), tenantId);
    await storeEvents(database(), tenantId, [{}, {}]);
    await connected(database().url('rae_worker'), async (step) => {
      await step.query('begin');
      await step.query('select public.rae_enter_tenant($1)', [tenantId]);
      await step.query('select from public.event_consumers where tenant_id = $1 for update', [tenantId]);
      const edited = database().admin('update public.trigger_rules set priority = 1 where trigger_id = $1', [id]);
      await eventually(waiting, { what: 'the edit to wait' });
      await step.query('update public.event_consumers set last_number = 7 where tenant_id = $1', [tenantId]);
      await step.query('commit');
      await edited;
    });
    const [rule] = await database().admin(
      'select version, since_number::int from public.trigger_rules where trigger_id = $1',
      [id],
    );
    expect(rule).toEqual({ version: 2, since_number: 8 });
  });

  it('lets a rule see only what is consumed after it was made', async () => {
    const tenantId = await addTenant(database());
    await storeEvents(database(), tenantId, [{}, {}]);
    await consumed(database(), tenantId);
    const id = await storeRule(database(), tenantId);
    await storeEvents(database(), tenantId, [{}]);
    await consumed(database(), tenantId);
    expect(await executionsOf(database(), tenantId)).toMatchObject([{ number: 3, trigger_id: id }]);
  });

  it('begins its window anew, and keeps its cooldown and its hour', async () => {
    const tenantId = await addTenant(database());
    const window = { time_window_seconds: 600, aggregate: { value: 2 } };
    const counting = await storeRule(database(), tenantId, { rule_name: 'a counting', ...window });
    const resting = await storeRule(database(), tenantId, { rule_name: 'b resting', cooldown_seconds: 600 });
    const at = (second: number) => ({ at: new Date(Date.UTC(2026, 2, 4, 10, 0, second)) });
    await storeEvents(database(), tenantId, [at(1)]);
    await consumed(database(), tenantId);
    await database().admin('update public.trigger_rules set priority = 6 where trigger_id = any($1)', [
      [counting, resting],
    ]);
    await storeEvents(database(), tenantId, [at(2), at(3)]);
    await consumed(database(), tenantId);
    expect((await executionsOf(database(), tenantId)).map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'window',
      'fired',
      'window',
      'cooldown',
      'fired',
      'cooldown',
    ]);
  });
});
