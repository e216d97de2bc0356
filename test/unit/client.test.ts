import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { enqueueIn, type PayloadsOf, RaeClient, type RunRequest } from '../../src/client/client.ts';
import { workerContract } from '../../src/fleet/contract.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** One answer: a status with a body and headers, or `silence`, or `cut` for a connection that ends. */
type Answer = readonly [status: number, body?: unknown, headers?: Readonly<Record<string, string>>] | 'silence' | 'cut';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that answers the requests in turn, the last answer for ever. */
async function answering(...answers: readonly Answer[]) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString();
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: text === '' ? undefined : JSON.parse(text) });
      const answer = answers[Math.min(seen.length, answers.length) - 1] ?? 'cut';
      if (answer === 'silence') return;
      if (answer === 'cut') {
        request.socket.destroy();
        return;
      }
      const [status, body, more] = answer;
      response.writeHead(status, { 'content-type': 'application/json', ...more });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { seen, client: new RaeClient({ url, apiKey: 'rae_x', backoffMs: 1, timeoutMs: 5_000 }), url };
}

const OWED = [202, { run_id: 'r1', worker: 'decay' }] as const;

describe('the client over HTTP', () => {
  it('asks for a run as the API wants it', async () => {
    const { client, seen } = await answering(OWED);
    const availableAt = new Date('2026-11-28T12:00:00Z');
    const deadline = new Date('2026-11-28T13:00:00Z');
    expect(await client.enqueue('decay', {}, { idempotencyKey: 'k', availableAt, priority: 3, deadline })).toBe('r1');
    expect(seen[0]).toMatchObject({
      ...{ method: 'POST', url: '/v1/runs' },
      headers: { authorization: 'Bearer rae_x', 'idempotency-key': 'k' },
      body: {
        ...{ worker: 'decay', payload: {}, available_at: '2026-11-28T12:00:00.000Z' },
        ...{ priority: 3, deadline: '2026-11-28T13:00:00.000Z' },
      },
    });
  });

  it('tries again, with one key, what was cut off, came at a bad time or is being served', async () => {
    const busy = [409, { code: 'RAE_IN_FLIGHT', detail: 'x' }] as const;
    const { client, seen } = await answering('cut', [503], [502], busy, OWED);
    expect(await client.enqueue('decay')).toBe('r1');
    expect(seen).toHaveLength(5);
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  it('waits as long as the API asks for', async () => {
    const { client, seen } = await answering([429, { code: 'RAE_QUOTA_EXCEEDED' }, { 'retry-after': '0.001' }], OWED);
    expect(await client.enqueue('decay')).toBe('r1');
    expect(seen).toHaveLength(2);
  });

  it('says what the API says of what will not get better, and tries no more', async () => {
    const problem = { code: 'RAE_FORBIDDEN', detail: 'no', hint: 'ask', request_id: 'q1' };
    const { client, seen } = await answering([403, problem]);
    const error = {
      name: 'RaeApiError',
      status: 403,
      code: 'RAE_FORBIDDEN',
      message: 'no',
      hint: 'ask',
      requestId: 'q1',
    };
    await expect(client.enqueue('decay')).rejects.toMatchObject(error);
    expect(seen).toHaveLength(1);
  });

  it('sends what must not be done twice once where nobody knows whether it was', async () => {
    const { client, seen } = await answering('cut');
    await expect(client.retry('r1')).rejects.toMatchObject({ status: 0, code: 'RAE_UNREACHABLE' });
    expect(seen).toHaveLength(1);
  });

  it('ends a try that gets no answer, and all of it when the caller says so', async () => {
    const { url, seen } = await answering('silence', OWED);
    const hasty = new RaeClient({ url, apiKey: 'x', timeoutMs: 1_000, backoffMs: 1 });
    expect(await hasty.enqueue('decay')).toBe('r1');
    expect(seen).toHaveLength(2);
    const silent = await answering('silence');
    const stop = new AbortController();
    const asked = silent.client.enqueue('decay', {}, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    const waiting = await answering([429, {}, { 'retry-after': '50' }]);
    const later = new AbortController();
    const held = waiting.client.enqueue('decay', {}, { signal: later.signal });
    setTimeout(() => later.abort(new Error('enough')), 20);
    await expect(held).rejects.toThrow('enough');
  });

  it('gives each of several its own result, and takes 402 for the answer it is', async () => {
    const results = [{ run_id: 'r1', worker: 'decay' }, { problem: { code: 'RAE_USAGE', detail: 'x', status: 400 } }];
    const { client } = await answering([202, { results }], [402, { allowed: false, reason: 'budget' }]);
    const [first, second] = await client.enqueueMany([{ worker: 'decay' }, { worker: 'delivery' }]);
    expect(first).toEqual({ runId: 'r1' });
    expect(second).toMatchObject({ error: { code: 'RAE_USAGE', message: 'x' } });
    expect(await client.budgetAllows(1)).toMatchObject({ allowed: false });
  });
});

const label = workerContract({
  name: 'label',
  does: 'Labels.',
  policy: z.strictObject({}),
  payload: z.strictObject({ text: z.string(), times: z.int().default(1) }),
  settings: z.strictObject({}),
});
type Mine = PayloadsOf<{ label: typeof label }>;

describe('the types of the client', () => {
  it('know what runs of a worker carry: a wrong payload does not compile', () => {
    expectTypeOf<Mine['label']>().toEqualTypeOf<{ text: string; times?: number | undefined }>();
    const mine = (client: RaeClient<Mine>) => [
      () => client.enqueue('label', { text: 'x' }),
      // @ts-expect-error the payload is missing
      () => client.enqueue('label'),
      // @ts-expect-error a field is of another type
      () => client.enqueue('label', { text: 5 }),
      // @ts-expect-error a field there is not
      () => client.enqueue('label', { text: 'x', more: true }),
      // @ts-expect-error a worker there is not
      () => client.enqueue('labl', { text: 'x' }),
    ];
    const fleets = (client: RaeClient) => [
      () => client.enqueue('decay'),
      () => client.enqueue('retention-purge', {}),
      // @ts-expect-error decay takes nothing
      () => client.enqueue('decay', { all: true }),
      // @ts-expect-error a worker there is not
      () => client.enqueue('decya'),
      // @ts-expect-error as in a transaction
      () => enqueueIn({ query: async () => ({ rows: [] }) }, 'decay', { all: true }),
    ];
    expectTypeOf<{ worker: 'label'; payload: { text: string } }>().toExtend<RunRequest<Mine>>();
    expect([mine, fleets]).toHaveLength(2);
  });
});
