import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { redactText } from '../kernel/redact.ts';

/** The answer of one check, with a sentence for whoever reads it. */
export interface Check {
  readonly ok: boolean;
  readonly says: string;
}

/** Where the answers of the health server come from. */
export interface HealthParts {
  /** Does this process make progress? Never the state of a connection: restarting every process mends no database. */
  readonly live: () => Check;
  /** What this process needs to do its work, by name. Each has 2 s to answer. */
  readonly checks: Readonly<Record<string, () => Promise<Check>>>;
  /** The metrics in the text format of Prometheus. */
  readonly metrics: () => Promise<string>;
}

const CHECK_LIMIT_MS = 2_000;
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const JSON_TYPE = 'application/json';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const json = (status: number, body: unknown): Answer => ({
  status,
  type: JSON_TYPE,
  body: `${JSON.stringify(body)}\n`,
});

async function answered(check: () => Promise<Check>): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Check>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, says: `no answer within ${CHECK_LIMIT_MS} ms` }), CHECK_LIMIT_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return { ok: false, says: redactText(messageOf(error)) };
  } finally {
    clearTimeout(timer);
  }
}

/** Serves /healthz (is it alive), /readyz (has it what it needs) and /metrics, to GET and HEAD alone. */
export class HealthServer {
  readonly #parts: HealthParts;
  #checking: Promise<Answer> | undefined;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /**
   * @param where `port` 0 takes any free port.
   * @returns the port it took, and how to stop.
   * @throws RaeError `RAE_PORT_IN_USE`, or `RAE_CONFIG_INVALID` when that host or port cannot be opened at all.
   */
  async start(where: {
    readonly port: number;
    readonly host: string;
  }): Promise<{ port: number; stop(): Promise<void> }> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    await listen(server, where);
    return {
      port: (server.address() as AddressInfo).port,
      stop: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          // A scraper keeps its connection open; waiting for it would hold up the end of the process.
          server.closeAllConnections();
        }),
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      answer = json(500, { error: redactText(messageOf(error)) });
    }
    const headers = { 'content-type': answer.type, 'cache-control': 'no-store' };
    response.writeHead(answer.status, answer.status === 405 ? { ...headers, allow: 'GET, HEAD' } : headers);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async #answer({ method = '', url = '' }: IncomingMessage): Promise<Answer> {
    const path = url.split('?')[0];
    if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') {
      return json(404, { error: 'there are /healthz, /readyz and /metrics' });
    }
    if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'use GET' });
    if (path === '/metrics') return { status: 200, type: TEXT, body: await this.#parts.metrics() };
    if (path === '/healthz') {
      const alive = this.#parts.live();
      return json(alive.ok ? 200 : 503, alive);
    }
    // Probes that come while the checks run share them: a hanging database must not pile up checks.
    this.#checking ??= this.#ready().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #ready(): Promise<Answer> {
    const named = Object.entries(this.#parts.checks);
    const answers = await Promise.all(named.map(async ([name, check]) => [name, await answered(check)] as const));
    const ok = answers.every(([, check]) => check.ok);
    return json(ok ? 200 : 503, { ok, checks: Object.fromEntries(answers) });
  }
}

function listen(server: Server, { port, host }: { readonly port: number; readonly host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    // Kept after the start: an error event that nobody listens for would end the process.
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new RaeError('RAE_PORT_IN_USE', `port ${port} on ${host} is taken by another process`, {
              hint: 'set RAE_METRICS_PORT to another port, or to 0 for any free one',
            })
          : new RaeError('RAE_CONFIG_INVALID', `cannot listen on port ${port} of ${host} (${error.code})`, {
              cause: error,
            }),
      );
    });
    server.listen({ port, host }, resolve);
  });
}
