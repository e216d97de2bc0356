import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LedgerUpkeep } from '../../src/ledger/upkeep.ts';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let tenant = '';

beforeAll(async () => {
  tenant = await addTenant(database());
});
beforeEach(async () => {
  await database().admin('delete from public.due_hints');
});

/** What the statements give that an API server sends in one transaction of the tenant: the last one's first value. */
async function sent(...texts: (readonly [text: string, ...values: unknown[]])[]): Promise<string> {
  return await connected(database().url('rae_api'), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [tenant]);
    let last: unknown;
    for (const [text, ...values] of texts) {
      const { rows } = await client.query<{ value: unknown }>(text, values);
      last = rows[0]?.value;
    }
    await client.query('commit');
    return String(last);
  });
}

const hints = async (kind: string) =>
  await database().admin('select tenant_id, worker from public.due_hints where kind = $1', [kind]);

describe('rae_emit_event', () => {
  it('writes an event with what it was given, and one hint', async () => {
    const text = `select public.rae_emit_event('drift_detected', '{"score": 0.4}', project => 'p', source => 'api-3',
      correlation_id => 'c', user_id => 'u', session_id => 's', tags => '{a,b}', depth => 2) as value`;
    const eventId = await sent([text]);
    expect(await database().admin('select * from public.events where event_id = $1', [eventId])).toEqual([
      {
        tenant_id: tenant,
        event_id: eventId,
        event_type: 'drift_detected',
        payload: { score: 0.4 },
        project: 'p',
        source: 'api-3',
        correlation_id: 'c',
        user_id: 'u',
        session_id: 's',
        tags: ['a', 'b'],
        metadata: {},
        depth: 2,
        created_at: expect.any(Date) as unknown,
      },
    ]);
    expect(await hints('event')).toEqual([{ tenant_id: tenant, worker: null }]);
  });

  it('leaves one hint for a statement with many events', async () => {
    await sent([
      "insert into public.events (tenant_id, event_type) select public.rae_current_tenant(), 'custom.many' from generate_series(1, 50)",
    ]);
    expect(await hints('event')).toHaveLength(1);
  });

  it.each(['custom.my-own_thing.v2', 'memory_created', 'agent_interaction', 'budget_exceeded', 'decay_completed'])(
    'knows %s',
    async (type) => {
      await expect(sent(['select public.rae_emit_event($1) as value', type])).resolves.toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  it.each([
    ['drift_detcted', 'did you mean drift_detected?'],
    ['custom.', 'expected custom.<name> or one of: memory_created'],
    ['Custom.X', 'expected custom.<name> or one of: memory_created'],
    [null, 'expected custom.<name> or one of: memory_created'],
  ])('refuses the type %s with the nearest right one', async (type, hint) => {
    const refused = sent(['select public.rae_emit_event($1) as value', type]);
    await expect(refused).rejects.toMatchObject({ code: '22023', hint: expect.stringContaining(hint) as unknown });
  });

  it.each([['[1]'], ['3'], [null], [JSON.stringify({ a: 'x'.repeat(65_536) })]])(
    'refuses a payload that is no object of at most 64 KiB',
    async (payload) => {
      await expect(sent(["select public.rae_emit_event('custom.a', $1) as value", payload])).rejects.toMatchObject({
        code: '22023',
      });
    },
  );

  it('keeps events as they are: nobody who serves tenants changes or removes one', async () => {
    for (const text of ["update public.events set source = 'x'", 'delete from public.events']) {
      await expect(sent([text])).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('housekeeping', () => {
  it('removes events after as many days as their tenant’s plan says', async () => {
    const pro = await addTenant(database(), { plan: 'pro' });
    const add =
      "insert into public.events (tenant_id, event_type, created_at) values ($1, 'custom.old', now() - $2 * interval '1 day')";
    for (const [tenantId, days] of [
      [tenant, 29],
      [tenant, 31],
      [pro, 31],
      [pro, 91],
    ] as const) {
      await database().admin(add, [tenantId, days]);
    }
    expect(await new LedgerUpkeep(database().open('rae_scheduler'), 20).sweep()).toMatchObject({ events: 2 });
    const left = await database().admin(
      "select tenant_id, extract(day from now() - created_at)::int as days from public.events where event_type = 'custom.old' order by tenant_id = $1",
      [pro],
    );
    expect(left).toEqual([
      { tenant_id: tenant, days: 29 },
      { tenant_id: pro, days: 31 },
    ]);
  });
});

describe('rae_send_message', () => {
  const SEND = 'select public.rae_send_message($1, $2, $3, $4) as value';
  const webhook = { type: 'webhook', url: 'https://example.org/hook', secret: 'main' };

  it('writes a message and one hint', async () => {
    const messageId = await sent([SEND, webhook, 'budget.threshold', { at: 0.8 }, null]);
    const [message] = await database().admin('select * from public.messages where message_id = $1', [messageId]);
    expect(message).toMatchObject({ tenant_id: tenant, channel: webhook, type: 'budget.threshold', data: { at: 0.8 } });
    expect(await hints('message')).toEqual([{ tenant_id: tenant, worker: null }]);
  });

  it('is the same message for the same key of a tenant, and always another without one', async () => {
    const key = randomUUID();
    const twice = [await sent([SEND, webhook, 'a', {}, key]), await sent([SEND, webhook, 'a', {}, key])];
    expect(new Set(twice).size).toBe(1);
    const without = [await sent([SEND, webhook, 'a', {}, null]), await sent([SEND, webhook, 'a', {}, null])];
    expect(new Set(without).size).toBe(2);
  });

  it.each([
    [{ type: 'webhook', url: 'http://10.0.0.1:8080/x' }],
    [{ type: 'email', to: ['a@b'] }],
    [{ type: 'email', to: ['a@b.org', 'c@d.org'], subject: 'hello' }],
  ])('takes the channel %j', async (channel) => {
    await expect(sent([SEND, channel, 'a.b', {}, null])).resolves.toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['null', 'a JSON object'],
    ['[]', 'a JSON object'],
    ['{}', 'expected "webhook" or "email"'],
    ['{"type": 3}', 'expected "webhook" or "email"'],
    ['{"type": "webhook"}', 'expected https://host/path'],
    ['{"type": "webhook", "url": "ftp://x/y"}', 'expected https://host/path'],
    ['{"type": "webhook", "url": "https://x", "secret": ""}', 'name of a tenant'],
    ['{"type": "webhook", "url": "https://x", "sekret": "a"}', "no field 'sekret'"],
    ['{"type": "email", "to": []}', 'expected 1 to 50'],
    ['{"type": "email", "to": "a@b"}', 'expected 1 to 50'],
    ['{"type": "email", "to": ["a"]}', 'expected 1 to 50'],
    ['{"type": "email", "to": ["a@b\\nbcc: c@d"]}', 'expected 1 to 50'],
    ['{"type": "email", "to": ["a@b"], "subject": "a\\nb"}', 'one line'],
  ])('refuses the channel %s', async (channel, message) => {
    await expect(sent([SEND, channel, 'a.b', {}, null])).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining(message) as unknown,
    });
  });

  it('does not repeat an address that it refuses, as that may hold a secret', async () => {
    const channel = { type: 'webhook', url: 'ftp://user:hunter2@x/y' };
    await expect(sent([SEND, channel, 'a', {}, null])).rejects.toMatchObject({
      message: expect.not.stringContaining('hunter2') as unknown,
    });
  });

  it.each([['Budget'], [''], [null], ['a..b']])('refuses the type %s', async (type) => {
    await expect(sent([SEND, webhook, type, {}, null])).rejects.toMatchObject({ code: '22023' });
  });
});
