import { RaeApiError } from '../client/api-error.ts';
import { type ApiRequest, Caller } from '../client/caller.ts';
import { ERRORS, type ErrorCode, RaeError } from '../kernel/errors.ts';

/** Fields that are instants, in every answer of the API. */
const INSTANT = /(?:_at|^at|^slot|^since|^deadline|^covered_by|^valid_until)$/;

/** Fields that hold what tenants wrote: nothing in them is read as an instant. */
const WRITTEN_BY_TENANTS = ['detail', 'document', 'effective', 'payload', 'condition_group', 'actions', 'metadata'];

/** The API in the place of the database: what a command asks is asked of it, with the rights of its key. */
export class Remote {
  /** Whose key it is; of another credential than an API key it has to be said. */
  readonly tenantId: string | undefined;
  readonly #caller: Caller;

  constructor(url: string, apiKey: string) {
    const hex = /^rae_([0-9a-f]{32})_/.exec(apiKey)?.[1];
    this.tenantId = hex?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    this.#caller = new Caller({ url, apiKey, retries: 2 });
  }

  /** Asks, and gives the answer with its instants read. @throws RaeError as the API says it. */
  async ask<T>(request: Omit<ApiRequest, 'repeatable'>): Promise<T> {
    return (await this.answer<T>(request)).body;
  }

  /** The lists that stand under `name` on all pages behind `path`, as one; `most` of it at most. @param from the cursor of the first */
  async all<T>(path: string, name: string, most = Number.MAX_SAFE_INTEGER, from?: string): Promise<readonly T[]> {
    const found: T[] = [];
    for (let cursor = from; found.length < most; ) {
      const query = queryOf({ limit: Math.min(most - found.length, 500), cursor });
      const request = {
        method: 'GET',
        path: `${path}${path.includes('?') ? query.replace('?', '&') : query}`,
      } as const;
      const page = await this.ask<Readonly<Record<string, readonly T[]>> & { readonly next: string | null }>(request);
      found.push(...(page[name] ?? []));
      if (page.next === null) break;
      cursor = page.next;
    }
    return found;
  }

  /** As `ask`, with the status of the answer. */
  async answer<T>(request: Omit<ApiRequest, 'repeatable'>): Promise<{ readonly body: T; readonly status: number }> {
    try {
      const { body, status } = await this.#caller.send({ ...request, repeatable: request.method === 'GET' });
      return { body: withInstants(body) as T, status };
    } catch (error) {
      if (!(error instanceof RaeApiError)) throw error;
      const code = error.code in ERRORS ? (error.code as ErrorCode) : 'RAE_INTERNAL';
      throw new RaeError(code, error.message, {
        hint: error.hint ?? (error.status === 0 ? 'check RAE_API_URL' : undefined),
        cause: error,
      });
    }
  }
}

/** A query of what is given. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function withInstants(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return INSTANT.test(name) && !Number.isNaN(Date.parse(value)) ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((one) => withInstants(one));
  if (typeof value !== 'object' || value === null) return value;
  return !WRITTEN_BY_TENANTS.includes(name)
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withInstants(one, key)]))
    : value;
}
