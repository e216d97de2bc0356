import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Check, type HealthParts, HealthServer } from '../../src/observe/health-server.ts';

const host = '127.0.0.1';
const fine: Check = { ok: true, says: 'fine' };
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(parts: Partial<HealthParts> = {}) {
  const server = new HealthServer({ live: () => fine, checks: {}, metrics: async () => 'rae_up 1\n', ...parts });
  const { port, stop } = await server.start({ port: 0, host });
  stops.push(stop);
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://${host}:${port}${path}`, init);
    const text = await response.text();
    return { status: response.status, text, headers: response.headers };
  };
  return { port, stop, get };
}

describe('a process tells whether it is', () => {
  it('alive, by its own progress', async () => {
    let live = fine;
    const { get } = await serve({ live: () => live, checks: { redis: async () => ({ ok: false, says: 'gone' }) } });
    expect(await get('/healthz')).toMatchObject({ status: 200, text: '{"ok":true,"says":"fine"}\n' });
    live = { ok: false, says: 'no progress for 90 s' };
    expect(await get('/healthz')).toMatchObject({ status: 503 });
  });

  it('ready, by name of what it needs, also when a check throws or never answers', async () => {
    const { get } = await serve({
      checks: {
        postgres: async () => fine,
        redis: async () => {
          throw new Error('redis://:hunter2@h refused');
        },
        registry: () => new Promise(() => {}),
      },
    });
    const [first, second] = await Promise.all([get('/readyz?verbose'), get('/readyz')]);
    expect(first.status).toBe(503);
    expect(JSON.parse(first.text)).toEqual({
      ok: false,
      checks: {
        postgres: fine,
        redis: { ok: false, says: 'redis://***@h refused' },
        registry: { ok: false, says: 'no answer within 2000 ms' },
      },
    });
    expect(second.text).toBe(first.text);
  });

  it('ready when every check says so, however many ask at once', async () => {
    let calls = 0;
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const postgres = async () => {
      calls += 1;
      await gate;
      return fine;
    };
    const { port, get } = await serve({ checks: { postgres } });
    // Sent in one piece, so that all of them are read before the check ends.
    const request = (connection: string) => `GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: ${connection}\r\n\r\n`;
    const socket = connect(port, host);
    let answers = '';
    socket.on('data', (chunk) => {
      answers += chunk;
    });
    socket.write(request('keep-alive').repeat(4) + request('close'));
    await expect.poll(() => calls).toBe(1);
    open();
    await once(socket, 'close');
    expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(5);
    expect(calls).toBe(1);
    expect((await get('/readyz')).status).toBe(200);
    expect(calls).toBe(2);
  });
});

describe('the health server', () => {
  it('serves the metrics, and says so when they cannot be had', async () => {
    const { get } = await serve();
    const { status, text, headers } = await get('/metrics');
    expect([status, text, headers.get('content-type')]).toEqual([
      200,
      'rae_up 1\n',
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    const broken = await serve({ metrics: () => Promise.reject(new Error('no metrics')) });
    expect(await broken.get('/metrics')).toMatchObject({ status: 500, text: '{"error":"no metrics"}\n' });
  });

  it('refuses other paths and methods in JSON', async () => {
    const { get } = await serve();
    expect((await get('/')).status).toBe(404);
    expect((await get('/metrics/../etc')).status).toBe(404);
    const posted = await get('/healthz', { method: 'POST', body: 'x' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await get('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('outlives clients that speak nonsense or hang up', async () => {
    const { port, get } = await serve();
    for (const sent of [
      '\0\0\0\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
      '',
    ]) {
      const socket = connect(port, host);
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(sent);
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    expect((await get('/healthz')).status).toBe(200);
  });

  it('names the port that is taken, and a host that is not here', async () => {
    const { port } = await serve();
    const second = new HealthServer({ live: () => fine, checks: {}, metrics: async () => '' });
    await expect(second.start({ port, host })).rejects.toMatchObject({
      code: 'RAE_PORT_IN_USE',
      message: `port ${port} on ${host} is taken by another process`,
    });
    await expect(second.start({ port: 0, host: '203.0.113.1' })).rejects.toMatchObject({ code: 'RAE_CONFIG_INVALID' });
  });

  it('stops at once although a client keeps its connection, and frees the port', async () => {
    const { port, stop, get } = await serve();
    await get('/healthz');
    await stop();
    const next = new HealthServer({ live: () => fine, checks: {}, metrics: async () => '' });
    const again = await next.start({ port, host });
    expect(again.port).toBe(port);
    await again.stop();
  });
});
