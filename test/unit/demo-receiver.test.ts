import { afterEach, describe, expect, it } from 'vitest';
import { receivedInWords } from '../../src/cli/up/demo-show.ts';
import { DemoReceiver } from '../../src/demo/receiver.ts';

const started: DemoReceiver[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((receiver) => receiver.stop()));
});

async function receiverOn(port: number): Promise<DemoReceiver> {
  const receiver = await DemoReceiver.start(port);
  started.push(receiver);
  return receiver;
}

async function sent({ url }: DemoReceiver, body: string, id?: string): Promise<number> {
  const headers = id === undefined ? {} : { 'webhook-id': id };
  return (await fetch(url, { method: 'POST', body, headers })).status;
}

describe('the receiver of the demo', () => {
  it('counts messages by type, and one that comes again once', async () => {
    const receiver = await receiverOn(0);
    const fired = JSON.stringify({ type: 'rule.fired', data: {} });
    expect(await sent(receiver, fired, 'a')).toBe(204);
    expect(await sent(receiver, fired, 'b')).toBe(204);
    expect(await sent(receiver, fired, 'a')).toBe(204);
    expect(await sent(receiver, JSON.stringify({ type: 'budget.threshold' }), 'c')).toBe(204);
    expect(receiver.received).toEqual({ messages: 3, types: { 'budget.threshold': 1, 'rule.fired': 2 }, repeats: 1 });
    expect(receivedInWords(receiver.received)).toBe('3 messages (budget.threshold 1, rule.fired 2)');
  });

  it('takes what is no JSON for a message of no known type, and nothing that is not posted or too long', async () => {
    const receiver = await receiverOn(0);
    expect(await sent(receiver, 'hello')).toBe(204);
    expect((await fetch(receiver.url)).status).toBe(405);
    expect(await sent(receiver, 'x'.repeat(300_000)).catch(() => 413)).toBe(413);
    expect(receiver.received).toMatchObject({ messages: 1, types: { unknown: 1 } });
  });

  it('takes the port it had, or any other where that is taken', async () => {
    const first = await receiverOn(0);
    const second = await receiverOn(first.port);
    expect(second.port).not.toBe(first.port);
    const { port } = first;
    await first.stop();
    await first.stop();
    expect((await receiverOn(port)).port).toBe(port);
  });
});
