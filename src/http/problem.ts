import { ERRORS, type ErrorCode, RaeError } from '../kernel/errors.ts';

/** The HTTP status of each error; what is not here is the server's own fault: 500. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = Object.freeze({
  RAE_USAGE: 400,
  RAE_TENANT_ID_INVALID: 400,
  RAE_POLICY_INVALID: 400,
  RAE_PAYLOAD_INVALID: 400,
  RAE_RULE_INVALID: 400,
  RAE_CRON_INVALID: 400,
  RAE_UNAUTHENTICATED: 401,
  RAE_BUDGET_EXHAUSTED: 402,
  RAE_FORBIDDEN: 403,
  RAE_NOT_FOUND: 404,
  RAE_TENANT_UNKNOWN: 404,
  RAE_METHOD_NOT_ALLOWED: 405,
  RAE_REFUSED: 409,
  RAE_IN_FLIGHT: 409,
  RAE_CONFLICT: 412,
  RAE_TOO_LARGE: 413,
  RAE_MEDIA_TYPE: 415,
  RAE_KEY_REUSED: 422,
  RAE_PRECONDITION_MISSING: 428,
  RAE_QUOTA_EXCEEDED: 429,
  RAE_ISSUER_UNREACHABLE: 503,
  RAE_DATABASE_UNREACHABLE: 503,
  RAE_REDIS_UNREACHABLE: 503,
});

/** Errors of the server's own libraries that have a code here; other mistakes of whoever asks are wrong usage. */
const OF_STATUS: Readonly<Record<number, ErrorCode>> = { 413: 'RAE_TOO_LARGE', 415: 'RAE_MEDIA_TYPE' };

/** An error as RFC 9457 writes it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint?: string;
  readonly request_id: string;
}

/** What whoever asked is told of an error. Of one that was not raised on purpose: nothing but the id to look for in the log. */
export function problemOf(error: unknown, requestId: string): Problem {
  const { code, status, detail, hint } = toldOf(error);
  return {
    type: `urn:rae:error:${code}`,
    title: ERRORS[code].means,
    status,
    code,
    detail,
    ...(hint === undefined ? {} : { hint }),
    request_id: requestId,
  };
}

interface Told {
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string | undefined;
}

function toldOf(error: unknown): Told {
  if (error instanceof RaeError) {
    const status = STATUS[error.code] ?? 500;
    if (status < 500) return { code: error.code, status, detail: error.message, hint: error.hint };
    const code = status === 503 ? error.code : 'RAE_INTERNAL';
    return { code, status, detail: 'the request could not be served; ask again later' };
  }
  const status = Number(Reflect.get(Object(error), 'statusCode'));
  if (error instanceof Error && status >= 400 && status < 500)
    return { code: OF_STATUS[status] ?? 'RAE_USAGE', status, detail: error.message };
  return { code: 'RAE_INTERNAL', status: 500, detail: 'the request could not be served; it was not foreseen' };
}
