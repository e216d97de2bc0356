import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { deliver, letTimePass, readMessage, secretsOf, sendMessage } from '../support/delivering.ts';
import { useReceiver } from '../support/receiver.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const receiver = useReceiver();
let tenant = '';
let paths = 0;
/** A path of its own for each test. */
let path = '';

beforeEach(async () => {
  tenant = await addTenant(database());
  paths += 1;
  path = `/hook/${paths}`;
});

const webhook = (at = path, more = {}) => ({ type: 'webhook', url: receiver().url(at), ...more });
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

describe('a webhook', () => {
  it('arrives with its id, type, time, tenant and data, and is delivered then', async () => {
    const id = await sendMessage(database(), tenant, webhook(), { rule: 'a "b" ☂' });
    expect(await deliver(database(), tenant)).toMatchObject({ state: 'done', counts: { delivered: 1, dead: 0 } });
    const [one] = receiver().at(path);
    expect(JSON.parse(one?.body ?? '')).toEqual({
      id,
      type: 'rule.fired',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      tenant_id: tenant,
      data: { rule: 'a "b" ☂' },
    });
    expect(one?.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': id });
    expect(one?.headers).not.toHaveProperty('webhook-signature');
    expect(await readMessage(database(), id)).toMatchObject({
      state: 'delivered',
      attempts: 1,
      last_error: null,
      ended_at: expect.any(Date),
    });
  });

  it('is signed so that the Standard Webhooks library verifies it', async () => {
    const secret = newSecret();
    await secretsOf(database()).set(tenant, 'hook', secret);
    await sendMessage(database(), tenant, webhook(path, { secret: 'hook' }), { n: 1 });
    await deliver(database(), tenant);
    const { body = '', headers = {} } = receiver().at(path)[0] ?? {};
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ data: { n: 1 } });
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(secret).verify(body.replace('"n": 1', '"n": 2'), headers)).toThrow();
  });

  it('is signed by the secret before as well while that stays valid', async () => {
    const [before, after] = [newSecret(), newSecret()];
    await secretsOf(database()).set(tenant, 'hook', before);
    await secretsOf(database()).rotate(tenant, 'hook', after, 3_600);
    await sendMessage(database(), tenant, webhook(path, { secret: 'hook' }));
    await deliver(database(), tenant);
    const { body = '', headers = {} } = receiver().at(path)[0] ?? {};
    for (const secret of [before, after]) expect(new Webhook(secret).verify(body, headers)).toBeDefined();
  });

  it('has the same id and body at every attempt', async () => {
    receiver().answers(path, 503);
    const id = await sendMessage(database(), tenant, webhook(), { b: 1, a: { d: 1, c: 2 } });
    await deliver(database(), tenant);
    receiver().answers(path, 200);
    await letTimePass(database(), tenant);
    await deliver(database(), tenant);
    const came = receiver().at(path);
    expect(came.map(({ headers }) => headers['webhook-id'])).toEqual([id, id]);
    expect(came[0]?.body).toBe(came[1]?.body);
  });

  it('has every figure to the last digit', async () => {
    await database().admin(
      `insert into public.messages (tenant_id, channel, type, data) values ($1, $2, 'budget.threshold', '{"spend_usd": 9007199254740993.000010}')`,
      [tenant, JSON.stringify(webhook())],
    );
    await deliver(database(), tenant);
    expect(receiver().at(path)[0]?.body).toMatch(/"data":\{"spend_usd": 9007199254740993\.000010\}\}$/);
  });

  it('goes out in great numbers, each once', async () => {
    const ids = await database().admin<{ id: string }>(
      `insert into public.messages (tenant_id, channel, type, data)
       select $1, jsonb_build_object('type', 'webhook', 'url', $2 || '?' || n % 7), 'rule.fired', jsonb_build_object('n', n) from generate_series(1, 300) n
       returning message_id as id`,
      [tenant, receiver().url(path)],
    );
    expect(await deliver(database(), tenant)).toMatchObject({ counts: { delivered: 300 } });
    const came = receiver().received.filter((one) => one.path.startsWith(`${path}?`));
    expect(came.map(({ headers }) => headers['webhook-id']).sort()).toEqual(ids.map(({ id }) => id).sort());
  });
});

describe('what is not delivered', () => {
  it.each([500, 503, 408, 425, 429])('for an answer %i is tried again later', async (status) => {
    receiver().answers(path, status);
    const id = await sendMessage(database(), tenant, webhook());
    expect(await deliver(database(), tenant)).toMatchObject({ state: 'done', counts: { retried: 1 } });
    expect(await readMessage(database(), id)).toMatchObject({
      state: 'pending',
      attempts: 1,
      last_error: `the receiver answered ${status}`,
      reason: null,
    });
  });

  it.each([400, 401, 404, 422, 301, 302])('for an answer %i is tried a few times, and is dead then', async (status) => {
    receiver().answers(path, (_request, response) => {
      response.writeHead(status, { location: receiver().url(`${path}/elsewhere`) }).end();
    });
    const id = await sendMessage(database(), tenant, webhook());
    for (let tried = 0; tried < 4; tried += 1) {
      await deliver(database(), tenant);
      expect(await readMessage(database(), id)).toMatchObject({ state: 'pending', refusals: tried + 1 });
      await letTimePass(database(), tenant);
    }
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({
      state: 'dead',
      reason: 'refused',
      last_error: expect.stringContaining(`the receiver answered ${status}`),
    });
    expect(receiver().at(`${path}/elsewhere`)).toEqual([]);
  });

  it('is dead at once where the receiver says that it is gone for good', async () => {
    receiver().answers(path, 410);
    const id = await sendMessage(database(), tenant, webhook());
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({ state: 'dead', reason: 'gone' });
  });

  it('waits for as long as the receiver asks for, and so does all that goes to it', async () => {
    receiver().answers(path, (_request, response) => response.writeHead(429, { 'retry-after': '7200' }).end());
    const first = await sendMessage(database(), tenant, webhook());
    await deliver(database(), tenant);
    const { next_attempt_at: at } = await readMessage(database(), first);
    expect(at.getTime()).toBeGreaterThan(Date.now() + 7_000_000);
    const second = await sendMessage(database(), tenant, webhook());
    await deliver(database(), tenant);
    expect(await readMessage(database(), second)).toMatchObject({ state: 'pending', attempts: 0 });
  });

  it('is given up when its time is over, with what went wrong last', async () => {
    receiver().answers(path, 500);
    const id = await sendMessage(database(), tenant, webhook());
    await deliver(database(), tenant);
    await database().admin("update public.messages set tried_since = now() - interval '25 hours'");
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({
      state: 'dead',
      reason: 'gave_up',
      last_error: 'not delivered within 24.0 h; the receiver answered 500',
    });
  });

  it.each([
    ['no_secret', { secret: 'no.such' }, 'the tenant has no secret "no.such"'],
    ['bad_secret', { secret: 'not.base64' }, 'is none that signs'],
    ['not_allowed', { url: 'http://10.0.0.1/' }, 'the URL begins with http:'],
    ['not_allowed', { url: 'https://10.0.0.1/' }, 'the URL goes to an address that is not public (private)'],
    ['not_allowed', { url: 'https://user:pw@example.com/' }, 'has a user name or password in it'],
  ])('is dead at once for %s', async (reason, more, error) => {
    await secretsOf(database()).set(tenant, 'not.base64', 'a word');
    const id = await sendMessage(database(), tenant, webhook(path, more));
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({
      state: 'dead',
      reason,
      last_error: expect.stringContaining(error),
    });
    expect(receiver().at(path)).toEqual([]);
  });

  it('says of a refused connection, a cut one and one that says nothing what it was', async () => {
    receiver().answers(`${path}/cut`, (_request, response) => void response.socket?.destroy());
    receiver().answers(`${path}/mute`, () => undefined);
    const refused = await sendMessage(database(), tenant, { type: 'webhook', url: 'http://127.0.0.1:1/' });
    const cut = await sendMessage(database(), tenant, webhook(`${path}/cut`));
    const mute = await sendMessage(database(), tenant, webhook(`${path}/mute`));
    await deliver(database(), tenant, { settings: { timeout_ms: 200 } });
    expect((await readMessage(database(), refused)).last_error).toBe('it refused the connection (ECONNREFUSED)');
    expect((await readMessage(database(), cut)).last_error).toBe('it broke off the connection (ECONNRESET)');
    expect((await readMessage(database(), mute)).last_error).toBe('the receiver did not answer in time');
  });
});

describe('flaw 21 of the original: any status counted as sent, nothing ended a call, and a uuid in the body broke it', () => {
  it('is not repeated', async () => {
    receiver().answers(`${path}/500`, 500);
    receiver().answers(`${path}/mute`, () => undefined);
    const failed = await sendMessage(database(), tenant, webhook(`${path}/500`), { memory_id: tenant });
    const mute = await sendMessage(database(), tenant, webhook(`${path}/mute`));
    const inside = await sendMessage(database(), tenant, { type: 'webhook', url: 'http://169.254.169.254/latest' });
    await deliver(database(), tenant, { settings: { timeout_ms: 200 } });
    expect(JSON.parse(receiver().at(`${path}/500`)[0]?.body ?? '')).toMatchObject({ data: { memory_id: tenant } });
    const states = await Promise.all([failed, mute, inside].map((id) => readMessage(database(), id)));
    expect(states.map(({ state }) => state)).toEqual(['pending', 'pending', 'dead']);
  });
});
