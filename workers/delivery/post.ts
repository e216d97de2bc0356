import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { WebhookTarget } from '../../src/kernel/webhook-url.ts';
import { deadline, TooLate } from './deadline.ts';

/** What is sent to a receiver. */
export interface Posting {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a receiver has answered. What is in its body is nobody's business: it could be another's page. */
export interface Reply {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** How far a receiver is trusted. */
export interface Limits {
  /** From the look-up of the name to the last header. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The connection was not made, since the target has an address that must not be called. */
export class NotAllowed extends Error {
  override readonly name = 'NotAllowed';
}

const MOST_HEADER_BYTES = 16_384;
const MOST_BODY_BYTES = 65_536;

/**
 * The connections to one endpoint while a run lasts. Each is made to an address that was checked for this very
 * connection, so that a name cannot point elsewhere between check and use; redirects are not followed.
 */
export class Line {
  readonly #target: WebhookTarget;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #addresses: () => Promise<readonly string[]>;

  /** @param addresses gives every address of the target, all of them checked. @throws NotAllowed */
  constructor(target: WebhookTarget, addresses: () => Promise<readonly string[]>) {
    this.#target = target;
    this.#addresses = addresses;
    const options = { keepAlive: true, lookup: pinned(addresses) };
    this.#agent = target.url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** @throws NotAllowed, TooLate, or what the network says. */
  async post({ headers, body }: Posting, { timeoutMs, signal }: Limits): Promise<Reply> {
    const { url, host } = this.#target;
    // An address needs no look-up, and so would pass unchecked.
    if (isIP(host) !== 0) await this.#addresses();
    const limit = deadline(timeoutMs, signal);
    const sent = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    return await new Promise<Reply>((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: this.#agent,
        maxHeaderSize: MOST_HEADER_BYTES,
        // The root's dot of a name stands in no certificate.
        servername: isIP(host) === 0 ? host : '',
        signal: limit.signal,
        headers: { ...sent, 'user-agent': 'rae-fleet', accept: '*/*', 'accept-encoding': 'identity', ...headers },
      });
      request.on('response', (response) => {
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
        thrownAway(response);
      });
      request.on('error', (error) => reject(limit.signal.aborted ? limit.signal.reason : error));
      request.on('close', () => {
        limit.cancel();
        // After an answer this has no effect.
        reject(new Error('the connection was closed before an answer'));
      });
      request.end(body);
    });
  }

  /** Ends its connections, those on which an answer still goes on as well. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Reads the rest of an answer, so that its connection can be used again; an endless one is cut. */
function thrownAway(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => undefined);
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) response.destroy();
  });
}

function pinned(addresses: () => Promise<readonly string[]>): LookupFunction {
  return (_hostname, options, done) => {
    addresses().then(
      (found) => {
        // What reaches IPv4 alone should not wait for IPv6 first.
        const all = found.map((address) => ({ address, family: isIP(address) })).sort((a, b) => a.family - b.family);
        const [first] = all;
        if (first === undefined) done(new Error('it has no address'), '', 0);
        else if (options.all === true) done(null, all);
        else done(null, first.address, first.family);
      },
      (error: Error) => done(error, '', 0),
    );
  };
}

/** Why a post did not come to an answer, in words for whoever owns the endpoint: no address that it was looked up to. */
export function describeFailure(error: unknown): string {
  if (error instanceof TooLate) return 'the receiver did not answer in time';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    KNOWN[code] ??
    (/^(ERR_TLS|CERT_|.*CERT|UNABLE_TO|EPROTO|ERR_SSL)/.test(code)
      ? `no secure connection could be made (${code})`
      : `no answer was received${code === '' ? '' : ` (${code})`}`)
  );
}

const KNOWN: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known (ENOTFOUND)',
  ENODATA: 'its name has no address (ENODATA)',
  ETIMEOUT: 'the name servers did not answer (ETIMEOUT)',
  EAI_AGAIN: 'the name servers did not answer (EAI_AGAIN)',
  ESERVFAIL: 'the name servers failed (ESERVFAIL)',
  ECONNREFUSED: 'it refused the connection (ECONNREFUSED)',
  ECONNRESET: 'it broke off the connection (ECONNRESET)',
  EPIPE: 'it broke off the connection (EPIPE)',
  ETIMEDOUT: 'no connection could be made in time (ETIMEDOUT)',
  EHOSTUNREACH: 'it cannot be reached (EHOSTUNREACH)',
  ENETUNREACH: 'it cannot be reached (ENETUNREACH)',
  HPE_HEADER_OVERFLOW: `its answer has more than ${MOST_HEADER_BYTES} bytes of headers`,
};
