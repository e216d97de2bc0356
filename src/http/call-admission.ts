import type { CallLimit } from '../access/call-limit.ts';
import { RaeError } from '../kernel/errors.ts';
import type { ServerParts } from './server-parts.ts';

/** A request too many within a minute; `headers` say when the next one may come. */
export class TooManyCalls extends RaeError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(limit: number, headers: Readonly<Record<string, string>>) {
    super('RAE_QUOTA_EXCEEDED', `quota max_api_calls_per_minute: the tenant may make ${limit} calls within a minute`, {
      hint: `ask again in ${headers['retry-after']} s`,
    });
    this.headers = headers;
  }
}

/** Lets in as many requests of a tenant as its quota allows; operators are not counted. */
export function callAdmission(calls: CallLimit): NonNullable<ServerParts['admit']> {
  return async (caller) => {
    if (!('tenantId' in caller)) return {};
    const { allowed, limit, remaining, resetSeconds } = await calls.take(caller.tenantId);
    if (limit === undefined) return {};
    const headers = {
      'ratelimit-limit': String(limit),
      'ratelimit-remaining': String(remaining),
      'ratelimit-reset': String(resetSeconds),
    };
    if (!allowed) throw new TooManyCalls(limit, { ...headers, 'retry-after': String(resetSeconds) });
    return headers;
  };
}
