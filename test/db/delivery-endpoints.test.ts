import { beforeEach, describe, expect, it } from 'vitest';
import { MessageBook } from '../../src/tenant/message-book.ts';
import { useDatabase } from '../support/database.ts';
import { deliver, letTimePass, readMessage, sendMessage } from '../support/delivering.ts';
import { eventually } from '../support/eventually.ts';
import { useReceiver } from '../support/receiver.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const receiver = useReceiver();
let tenant = '';
let paths = 0;
let path = '';

beforeEach(async () => {
  tenant = await addTenant(database());
  paths += 1;
  path = `/end/${paths}`;
});

const webhook = (at = path) => ({ type: 'webhook', url: receiver().url(at) });
const endpointOf = async (): Promise<Record<string, unknown> | undefined> => {
  const rows = await database().admin(
    `select failures, openings, open_until > now() as open from public.message_endpoints where tenant_id = $1`,
    [tenant],
  );
  return rows[0];
};
const sendMany = async (count: number, at = path): Promise<readonly string[]> =>
  await Promise.all(Array.from({ length: count }, () => sendMessage(database(), tenant, webhook(at))));
/** An answer that is given when the test says so. */
function held(at: string): () => void {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  receiver().answers(at, (_request, response) => {
    const answer = () => void response.writeHead(200).end();
    if (isOpen) answer();
    else waiting.push(answer);
  });
  return () => {
    isOpen = true;
    for (const answer of waiting.splice(0)) answer();
  };
}

describe('an endpoint that does not answer', () => {
  it('holds up no other of its tenant, nor what arrives for those while it is waited for', async () => {
    const release = held(`${path}/slow`);
    await sendMany(3, `${path}/slow`);
    const first = await sendMessage(database(), tenant, webhook(`${path}/well`));
    const run = deliver(database(), tenant);
    const isDelivered = async (id: string) =>
      (await readMessage(database(), id)).state === 'delivered' ? true : undefined;
    await eventually(() => isDelivered(first), { what: 'the message beside the slow endpoint' });
    const second = await sendMessage(database(), tenant, webhook(`${path}/well`));
    await eventually(() => isDelivered(second), { what: 'a message that came while the slow endpoint was waited for' });
    release();
    expect(await run).toMatchObject({ state: 'done', counts: { delivered: 5 } });
  });

  it('gives the place of its run back in time, and what is not sent by then is owed', async () => {
    await sendMany(20);
    receiver().answers(path, (_request, response) => void setTimeout(() => response.writeHead(200).end(), 60));
    const run = await deliver(database(), tenant, { settings: { run_ms: 1, timeout_ms: 1_000, per_endpoint: 1 } });
    expect(run).toMatchObject({ state: 'owed', reason: 'yielded' });
    expect(await deliver(database(), tenant, { settings: { per_endpoint: 20 } })).toMatchObject({ state: 'done' });
    expect(receiver().ids(path).size).toBe(20);
    expect(receiver().at(path)).toHaveLength(20);
  });

  it('is not called any more after some failures, then by one message alone, and again by all once it answers', async () => {
    receiver().answers(path, 500);
    const ids = await sendMany(8);
    await deliver(database(), tenant);
    expect(receiver().at(path)).toHaveLength(8);
    expect(await endpointOf()).toEqual({ failures: 8, openings: 1, open: true });

    await database().admin('update public.messages set next_attempt_at = now() where tenant_id = $1', [tenant]);
    await deliver(database(), tenant);
    expect(receiver().at(path), 'open: nothing is sent').toHaveLength(8);

    await letTimePass(database(), tenant);
    await deliver(database(), tenant);
    expect(receiver().at(path), 'half open: one is').toHaveLength(9);
    expect(await endpointOf()).toEqual({ failures: 9, openings: 2, open: true });

    receiver().answers(path, 200);
    await letTimePass(database(), tenant);
    expect(await deliver(database(), tenant)).toMatchObject({ counts: { delivered: 8 } });
    expect(await endpointOf()).toBeUndefined();
    expect(receiver().ids(path)).toEqual(new Set(ids));
  });

  it('says when it is called again, so that time alone wakes the tenant then', async () => {
    receiver().answers(path, 500);
    await sendMany(5);
    await deliver(database(), tenant);
    const [row] = await database().admin(
      `select c.due_at = greatest(b.open_until, (select min(next_attempt_at) from public.messages m where m.tenant_id = $1)) as same
         from public.tenant_cadences c join public.message_endpoints b using (tenant_id) where c.tenant_id = $1 and c.worker = 'delivery'`,
      [tenant],
    );
    expect(row).toEqual({ same: true });
  });

  it('lets its messages die when their time is over, tried or not, and they can be tried again', async () => {
    receiver().answers(path, 500);
    await sendMany(5);
    await deliver(database(), tenant);
    const late = await sendMessage(database(), tenant, webhook());
    await database().admin("update public.messages set tried_since = now() - interval '25 hours'");
    await deliver(database(), tenant);
    expect(await readMessage(database(), late)).toMatchObject({
      state: 'dead',
      reason: 'gave_up',
      attempts: 0,
      last_error: 'not delivered within 24.0 h; its endpoint failed: the receiver answered 500',
    });
    receiver().answers(path, 200);
    const book = new MessageBook(database().tenants('rae_api'));
    await book.retry(tenant, late);
    expect(await book.retryDead(tenant)).toBe(5);
    expect(await deliver(database(), tenant)).toMatchObject({ counts: { delivered: 6 } });
    await expect(book.retry(tenant, late)).rejects.toThrow('is delivered');
    await expect(book.retry(await addTenant(database()), late)).rejects.toMatchObject({ code: 'RAE_NOT_FOUND' });
  });
});

describe('a process that sends', () => {
  it('writes down what came of what it has sent, also when it is told to drain meanwhile', async () => {
    let draining = false;
    const release = held(path);
    const [id = ''] = await sendMany(1);
    const run = deliver(database(), tenant, { draining: () => draining });
    await eventually(() => receiver().at(path).length > 0 || undefined, { what: 'the message to be on its way' });
    draining = true;
    release();
    expect(await run).toMatchObject({ state: 'owed', reason: 'yielded' });
    expect(await readMessage(database(), id)).toMatchObject({ state: 'delivered', attempts: 1 });
  });

  it('leaves what it was sending to the next one when it is ended', async () => {
    const ending = new AbortController();
    receiver().answers(path, () => ending.abort(new Error('ended')));
    const [id = ''] = await sendMany(1);
    await deliver(database(), tenant, { abort: ending.signal });
    expect(await readMessage(database(), id)).toMatchObject({ state: 'sending', attempts: 1 });
    receiver().answers(path, 200);
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({ state: 'delivered', attempts: 2 });
    expect(receiver().ids(path)).toEqual(new Set([id]));
  });
});

describe('messages that are over', () => {
  it('are kept for as long as the policy says, the dead ones longer, and leave then', async () => {
    await sendMany(3);
    await deliver(database(), tenant);
    await database().admin("update public.messages set ended_at = now() - interval '31 days' where tenant_id = $1", [
      tenant,
    ]);
    await database().admin(
      `update public.messages set state = 'dead', reason = 'gone'
        where tenant_id = $1 and message_id = (select min(message_id::text)::uuid from public.messages where tenant_id = $1)`,
      [tenant],
    );
    expect(await deliver(database(), tenant)).toMatchObject({ counts: { swept: 2 } });
    await database().admin("update public.messages set ended_at = now() - interval '91 days' where tenant_id = $1", [
      tenant,
    ]);
    expect(await deliver(database(), tenant)).toMatchObject({ counts: { swept: 1 } });
    const rows = await database().admin('select from public.messages where tenant_id = $1', [tenant]);
    expect(rows).toHaveLength(0);
  });

  it('wake the tenant when the first of them is to leave', async () => {
    await sendMany(1);
    await deliver(database(), tenant);
    const [row] = await database().admin<{ days: number }>(
      "select extract(day from due_at - now())::int as days from public.tenant_cadences where tenant_id = $1 and worker = 'delivery'",
      [tenant],
    );
    expect(row?.days).toBe(30);
  });
});
