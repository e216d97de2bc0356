import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AllowList } from '../../src/kernel/allow-list.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { readWebhookUrl, type WebhookTarget } from '../../src/kernel/webhook-url.ts';
import { deliverySettings } from '../../workers/delivery/contract.ts';
import { Line } from '../../workers/delivery/post.ts';
import type { Resolve } from '../../workers/delivery/resolver.ts';
import { type DeliveryRun, Sender } from '../../workers/delivery/sender.ts';
import type { Verdict } from '../../workers/delivery/verdict.ts';
import { useReceiver } from '../support/receiver.ts';

const receiver = useReceiver();
const never = new AbortController().signal;

/** What becomes of a message to `url` when its name stands for what `resolve` says. */
async function sentTo(url: string, resolve?: Resolve, allow?: string, timeoutMs = 20_000): Promise<Verdict> {
  const run = {
    tenantId: '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10',
    settings: deliverySettings.parse({ timeout_ms: timeoutMs }),
    outside: { mailUrl: undefined, allow },
    clock: systemClock,
    signal: never,
    secret: async () => [],
  } as unknown as DeliveryRun;
  const sender = new Sender(run, resolve);
  try {
    return await sender.send({
      message_id: '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e',
      endpoint: 'x',
      channel: { type: 'webhook', url },
      type: 'rule.fired',
      data: '{}',
      attempts: 1,
      refusals: 0,
      created_at: new Date(),
      age_ms: 0,
      failures: 0,
      openings: 0,
    });
  } finally {
    sender.close();
  }
}

describe('a message is not sent', () => {
  it.each([
    ['a private address', ['10.0.0.1']],
    ['loopback', ['127.0.0.1']],
    ['the address of metadata', ['169.254.169.254']],
    ['a mapped private address', ['::ffff:10.0.0.1']],
    ['an address of IPv6 that is not global', ['fd00::1']],
    ['a public and a private one', ['8.8.8.8', '192.168.0.1']],
  ])('to a public name that stands for %s', async (_what, addresses) => {
    const verdict = await sentTo('https://hooks.example.com/', async () => addresses);
    expect(verdict).toMatchObject({ kind: 'hopeless', reason: 'not_allowed' });
    expect(JSON.stringify(verdict), 'what it stands for is not told').not.toContain(addresses.at(-1));
  });

  it('by http to a name whose address is not allowed', async () => {
    const verdict = await sentTo('http://hooks.example.com/', async () => ['8.8.8.8'], '10.0.0.0/8');
    expect(verdict).toMatchObject({ kind: 'hopeless', reason: 'not_allowed' });
  });

  it('when its name is known to nobody, but may be later', async () => {
    const unknown = Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' });
    const verdict = await sentTo('https://hooks.example.com/', () => Promise.reject(unknown));
    expect(verdict).toEqual({ kind: 'failed', why: 'its name is not known (ENOTFOUND)' });
  });

  it('on a connection that is made after its name has come to stand for something else', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    const allow = new AllowList('127.0.0.1');
    const target = readWebhookUrl(`http://rebinding.example:${receiver().port}/rebound`, allow) as WebhookTarget;
    const asked: string[] = [];
    const line = new Line(target, async () => {
      const [found = []] = answers.splice(0, 1);
      asked.push(...found);
      if (!found.every((address) => allow.allowsAddress(address))) throw new Error('not allowed');
      return found;
    });
    const limits = { timeoutMs: 5_000, signal: never };
    receiver().answers('/rebound', (_request, response) => response.writeHead(200, { connection: 'close' }).end());
    expect(await line.post({ headers: {}, body: '{}' }, limits)).toMatchObject({ status: 200 });
    await expect(line.post({ headers: {}, body: '{}' }, limits)).rejects.toThrow('not allowed');
    expect(asked).toEqual(['127.0.0.1', '10.0.0.1']);
    expect(receiver().at('/rebound')).toHaveLength(1);
    line.close();
  });
});

describe('an answer', () => {
  const allow = '127.0.0.1';

  it('that never ends counts by its status, and is cut', async () => {
    let closed: () => void = () => undefined;
    const cut = new Promise<void>((resolve) => {
      closed = resolve;
    });
    receiver().answers('/endless', (_request, response) => {
      response.writeHead(200);
      const more = (): boolean => response.write(Buffer.alloc(16_384));
      response.on('drain', more).on('close', closed);
      while (more());
    });
    expect(await sentTo(receiver().url('/endless'), undefined, allow)).toEqual({ kind: 'delivered' });
    await cut;
  });

  it('that would unpack to much is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    receiver().answers('/bomb', (request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    expect(await sentTo(receiver().url('/bomb'), undefined, allow)).toEqual({ kind: 'delivered' });
  });

  it('whose headers come too slowly, or are too many, is none', async () => {
    receiver().answers('/slow', (_request, response) => void response.socket?.write('HTTP/1.1 200 OK\r\nx: '));
    receiver().answers('/large', (_request, response) => {
      response.writeHead(200, { 'x-large': 'x'.repeat(20_000) }).end();
    });
    expect(await sentTo(receiver().url('/slow'), undefined, allow, 300)).toEqual({
      kind: 'failed',
      why: 'the receiver did not answer in time',
    });
    expect(await sentTo(receiver().url('/large'), undefined, allow)).toMatchObject({
      kind: 'failed',
      why: 'its answer has more than 16384 bytes of headers',
    });
  });

  it('that points elsewhere is not followed', async () => {
    receiver().answers('/away', (_request, response) => {
      response.writeHead(302, { location: receiver().url('/metadata') }).end();
    });
    expect(await sentTo(receiver().url('/away'), undefined, allow)).toMatchObject({ kind: 'refused' });
    expect(receiver().at('/metadata')).toEqual([]);
  });
});
