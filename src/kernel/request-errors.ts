import type { ErrorEntry } from './error-entry.ts';
import { EXIT } from './exit.ts';

/** The part of the catalogue that requests to the API meet most. */
export const REQUEST_ERRORS = Object.freeze({
  RAE_UNAUTHENTICATED: {
    exit: EXIT.refused,
    retryable: false,
    means: 'No credential was sent, or it is not known, has expired or was revoked.',
    action: 'Send a valid API key, `Authorization: Bearer rae_…`; make one with `rae key create`.',
  },
  RAE_ISSUER_UNREACHABLE: {
    exit: EXIT.failed,
    retryable: true,
    means: 'The issuer of tokens (RAE_OIDC_ISSUER) cannot be asked for its keys, so that no token can be proven.',
    action: 'Check the issuer and the way to it; API keys work meanwhile.',
  },
  RAE_FORBIDDEN: {
    exit: EXIT.refused,
    retryable: false,
    means: 'The credential is right and does not permit this.',
    action: 'Use a credential of the right tenant, role, scope and project; docs/access.md lists who may do what.',
  },
  RAE_METHOD_NOT_ALLOWED: {
    exit: EXIT.usage,
    retryable: false,
    means: 'There is such a path, and it does not take this method.',
    action: 'Use one of the methods that the header Allow names.',
  },
  RAE_CONFLICT: {
    exit: EXIT.refused,
    retryable: false,
    means: 'Somebody has changed it since it was read, or it was asked for under the same key with other contents.',
    action: 'Read it again and decide anew; use a new idempotency key for another request.',
  },
  RAE_KEY_REUSED: {
    exit: EXIT.refused,
    retryable: false,
    means: 'The idempotency key was used for another request.',
    action: 'Use a new key for another request; the same key and body give the same answer.',
  },
  RAE_IN_FLIGHT: {
    exit: EXIT.refused,
    retryable: true,
    means: 'A request of the same idempotency key is being served.',
    action: 'Ask again in a moment, with the same key and body.',
  },
  RAE_PRECONDITION_MISSING: {
    exit: EXIT.usage,
    retryable: false,
    means: 'What is to be replaced must be named by the version that was read.',
    action: 'Read it, and send its ETag as If-Match.',
  },
  RAE_TOO_LARGE: {
    exit: EXIT.usage,
    retryable: false,
    means: 'The body of a request is larger than this route takes.',
    action: 'Send less at once.',
  },
  RAE_MEDIA_TYPE: {
    exit: EXIT.usage,
    retryable: false,
    means: 'The body of a request is not JSON by its content-type.',
    action: 'Send JSON, with `content-type: application/json`.',
  },
  RAE_BUDGET_EXHAUSTED: {
    exit: EXIT.refused,
    retryable: false,
    means: 'The budget does not allow what was asked.',
    action: 'Wait for the next period, or raise the budget.',
  },
  RAE_QUOTA_EXCEEDED: {
    exit: EXIT.refused,
    retryable: true,
    means: 'A quota of the tenant is used up (SQLSTATE RQ001); the message names it.',
    action: 'Use less or wait, as it says; `rae usage` shows the quotas, `rae tenant set-quota` raises one.',
  },
} satisfies Record<string, ErrorEntry>);
