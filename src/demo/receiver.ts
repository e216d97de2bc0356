import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const MOST_BYTES = 262_144;
/** Ids that are remembered, so that a message which comes again is not counted again. */
const MOST_IDS = 10_000;

/** What has arrived so far. */
export interface Received {
  /** Different messages. */
  readonly messages: number;
  /** The same by type, such as `rule.fired`. */
  readonly types: Readonly<Record<string, number>>;
  /** Deliveries of a message that was there already. */
  readonly repeats: number;
}

/** A web server on this machine that takes the webhooks of the demo's tenants, and counts them. */
export class DemoReceiver {
  readonly #server: Server;
  readonly #ids = new Set<string>();
  readonly #types = new Map<string, number>();
  #messages = 0;
  #repeats = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  /** Starts one on `port` where that is free, else on any other. */
  static async start(port: number): Promise<DemoReceiver> {
    const receiver = new DemoReceiver();
    await receiver.#listen(port).catch(() => receiver.#listen(0));
    return receiver;
  }

  /** The address that tenants' webhooks are sent to. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get received(): Received {
    return { messages: this.#messages, types: Object.fromEntries([...this.#types].sort()), repeats: this.#repeats };
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) {
        body += chunk;
        if (body.length > MOST_BYTES) break;
      }
    } catch {
      // Whoever sent it has gone, and will send it again.
      return;
    }
    if (request.method !== 'POST' || body.length > MOST_BYTES) {
      response.writeHead(request.method === 'POST' ? 413 : 405).end();
      return;
    }
    this.#count(String(request.headers['webhook-id'] ?? ''), typeOf(body));
    response.writeHead(204).end();
  }

  #count(id: string, type: string): void {
    if (id !== '' && this.#ids.has(id)) {
      this.#repeats += 1;
      return;
    }
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > MOST_IDS && oldest !== undefined) this.#ids.delete(oldest);
    this.#messages += 1;
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
  }
}

function typeOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'type' in parsed && typeof parsed.type === 'string')
      return parsed.type;
  } catch {
    // No JSON: of no type that is known.
  }
  return 'unknown';
}
