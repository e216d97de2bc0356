import { errorOf, RaeApiError } from './api-error.ts';

/** How to reach the API. */
export interface ClientOptions {
  /** Such as `https://rae.example`. */
  readonly url: string;
  /** An API key or a token. */
  readonly apiKey: string;
  /** How long one try may take. Default 10 s. */
  readonly timeoutMs?: number;
  /** How often a request is tried again that did not arrive or came at a bad time. Default 4. */
  readonly retries?: number;
  /** The first wait before a try, doubled each time up to 10 s, of which a random part is taken. Default 200 ms. */
  readonly backoffMs?: number;
  /** In place of the platform's own. */
  readonly fetch?: typeof fetch;
}

/** One request. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends it, its tries and its waits. */
  readonly signal?: AbortSignal | undefined;
  /** May it be tried again, although an earlier try may have been served? */
  readonly repeatable: boolean;
  /** Statuses beside 2xx that are answers. */
  readonly answers?: readonly number[];
}

const LONGEST_WAIT_MS = 10_000;
/** Said before anything was done. */
const NOT_SERVED = [429, 503];
/** Said by what stands between, or of a request that is being served. */
const UNCERTAIN = [0, 408, 409, 502, 504];

/** Sends requests, and sends again what did not arrive. */
export class Caller {
  readonly #options: ClientOptions;
  readonly #base: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = new URL(options.url).href.replace(/\/+$/, '');
  }

  /** @throws RaeApiError; what `signal` was aborted with. */
  async send(
    request: ApiRequest,
  ): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Headers }> {
    const { retries = 4 } = this.#options;
    for (let tried = 0; ; tried += 1) {
      request.signal?.throwIfAborted();
      const answer = await this.#try(request);
      if (!(answer instanceof RaeApiError)) return answer;
      const again =
        NOT_SERVED.includes(answer.status) ||
        (request.repeatable && UNCERTAIN.includes(answer.status) && isUncertain(answer));
      if (!again || tried >= retries) throw answer;
      await pause(this.#waitMs(tried, answer), request.signal);
    }
  }

  async #try(request: ApiRequest) {
    const { timeoutMs = 10_000, apiKey, fetch: send = fetch } = this.#options;
    const { method, path, body, headers, signal, answers = [] } = request;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(`${this.#base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok && !answers.includes(response.status)) {
        const error = errorOf(response.status, text);
        const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
        return seconds > 0 ? Object.assign(error, { retryAfterMs: seconds * 1_000 }) : error;
      }
      const read: unknown = text === '' ? undefined : JSON.parse(text);
      return { status: response.status, body: read, headers: response.headers };
    } catch (error) {
      signal?.throwIfAborted();
      const why = late.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      return new RaeApiError(`${this.#base} cannot be reached: ${why}`, {
        status: 0,
        code: 'RAE_UNREACHABLE',
        cause: error,
      });
    }
  }

  /** As long as the API asks for, else longer with each try; a random part of it, so that callers do not come back as one. */
  #waitMs(tried: number, error: RaeApiError & { readonly retryAfterMs?: number }): number {
    const { backoffMs = 200 } = this.#options;
    if (error.retryAfterMs !== undefined) return Math.min(error.retryAfterMs, 6 * LONGEST_WAIT_MS);
    return Math.min(backoffMs * 2 ** tried, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
  }
}

/** Of the conflicts only the one that passes by itself. */
function isUncertain({ status, code }: RaeApiError): boolean {
  return status !== 409 || code === 'RAE_IN_FLIGHT';
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { readonly message?: string; readonly cause?: { readonly message?: string } };
  return cause?.message ?? message ?? String(error);
}

/** Ends at once, with the signal's reason, when that is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
