/** What the API says of a request that it does not serve (RFC 9457), or why none of its words arrived. */
export class RaeApiError extends Error {
  override readonly name = 'RaeApiError';
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /** Stable, such as `RAE_FORBIDDEN`; docs/errors.md lists them. `RAE_UNREACHABLE` where no answer came. */
  readonly code: string;
  readonly hint: string | undefined;
  /** What to look for in the log of the API. */
  readonly requestId: string | undefined;

  constructor(
    message: string,
    told: {
      readonly status: number;
      readonly code: string;
      readonly hint?: string | undefined;
      readonly requestId?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: told.cause });
    this.status = told.status;
    this.code = told.code;
    this.hint = told.hint;
    this.requestId = told.requestId;
  }
}

/** The error that an answer stands for. */
export function errorOf(status: number, text: string): RaeApiError {
  const problem = objectIn(text);
  const say = (key: string) => (typeof problem[key] === 'string' ? problem[key] : undefined);
  const message = say('detail') ?? say('title') ?? `the API answered ${status}`;
  return new RaeApiError(message, {
    status,
    code: say('code') ?? 'RAE_INTERNAL',
    hint: say('hint'),
    requestId: say('request_id'),
  });
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not from the API: a proxy's page.
    return {};
  }
}
