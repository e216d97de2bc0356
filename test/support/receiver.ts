import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/** A webhook as it came in. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a path answers: a status, or whatever else it does with the answer. */
export type Answering = number | ((request: Received, response: ServerResponse) => void);

/** A real HTTP server that webhooks are sent to; a path that nothing is said of answers 200. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  readonly #answers = new Map<string, Answering>();

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  answers(path: string, how: Answering): void {
    this.#answers.set(path, how);
  }

  /** What came to a path, in its order. */
  at(path: string): readonly Received[] {
    return this.received.filter((one) => one.path === path);
  }

  /** The distinct `webhook-id`s that came, to a path or to any. */
  ids(path?: string): ReadonlySet<string> {
    const of = path === undefined ? this.received : this.at(path);
    return new Set(of.map(({ headers }) => headers['webhook-id'] ?? ''));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const headers = request.headers as Record<string, string>;
    const one = { path: request.url ?? '', headers, body: Buffer.concat(chunks).toString() };
    this.received.push(one);
    const how = this.#answers.get(one.path) ?? 200;
    if (typeof how === 'function') return how(one, response);
    response.writeHead(how).end();
  }
}

/** A receiver for all tests of the file. */
export function useReceiver(): () => Receiver {
  const receiver = new Receiver();
  beforeAll(() => receiver.start());
  afterAll(() => receiver.close());
  return () => receiver;
}
