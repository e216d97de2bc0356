import type { ErrorEntry } from './error-entry.ts';
import { EXIT } from './exit.ts';
import { REQUEST_ERRORS } from './request-errors.ts';

export { EXIT } from './exit.ts';

/** Every error the fleet raises on purpose. Codes are stable; `docs/errors.md` is generated from this. */
export const ERRORS = Object.freeze({
  RAE_USAGE: {
    exit: EXIT.usage,
    retryable: false,
    means: 'A command or a request has a wrong argument, option or field.',
    action: 'Correct the call; the message names what was expected and the nearest right spelling.',
  },
  RAE_CONFIG_INVALID: {
    exit: EXIT.usage,
    retryable: false,
    means: 'One or more environment settings are wrong or misspelt.',
    action: 'Correct every setting listed in the message; docs/configuration.md has them all.',
  },
  RAE_NOT_FOUND: {
    exit: EXIT.notFound,
    retryable: false,
    means: 'The thing named does not exist.',
    action: 'Check the id or name; the message says which list shows the right ones.',
  },
  RAE_NO_FLEET: {
    exit: EXIT.notFound,
    retryable: false,
    means: 'No database was named, and no fleet started by `rae up` was found.',
    action: 'Start one with `rae up`, or set RAE_DATABASE_URL and RAE_REDIS_URL.',
  },
  RAE_TENANT_ID_INVALID: {
    exit: EXIT.usage,
    retryable: false,
    means: 'A tenant id is not a canonical uuid.',
    action: 'Use the id as `rae tenant list` prints it.',
  },
  RAE_TENANT_UNKNOWN: {
    exit: EXIT.notFound,
    retryable: false,
    means: 'No tenant has this id.',
    action: 'See the tenants with `rae tenant list`.',
  },
  RAE_TENANT_MISSING: {
    exit: EXIT.failed,
    retryable: false,
    means: 'Tenant data was asked for without a tenant (SQLSTATE 42501).',
    action: 'This is a fault in the caller: use inTenant(). Report it.',
  },
  RAE_POLICY_INVALID: {
    exit: EXIT.usage,
    retryable: false,
    means: "A policy does not fit its worker's schema.",
    action: 'Correct the policy with `rae policy set`; then retry the dead runs with `rae run retry`.',
  },
  RAE_RULE_INVALID: {
    exit: EXIT.usage,
    retryable: false,
    means: 'A trigger rule cannot be: a field, a condition or an action is wrong.',
    action: 'Correct every place listed in the message; docs/rules.md has them all.',
  },
  RAE_CRON_INVALID: {
    exit: EXIT.usage,
    retryable: false,
    means: 'A cron expression or a time zone cannot be understood.',
    action: 'Use five fields (minute hour day month weekday) and an IANA zone such as Europe/Berlin.',
  },
  RAE_PAYLOAD_INVALID: {
    exit: EXIT.usage,
    retryable: false,
    means: "A run's payload does not fit its worker's schema.",
    action: 'Correct what enqueues it; the run is dead and can be read with `rae run show`.',
  },
  RAE_DATABASE_UNREACHABLE: {
    exit: EXIT.failed,
    retryable: true,
    means: 'Postgres could not be reached, or refused the connection.',
    action: 'Check that it runs, the address, the user and the password; `rae doctor` tries each.',
  },
  RAE_DATABASE_REFUSED: {
    exit: EXIT.refused,
    retryable: false,
    means: 'The database is not safe or not ready for this process (role, row security, migrations, version).',
    action: 'Do what the message says; `rae doctor` shows every such finding at once.',
  },
  RAE_MIGRATION_FAILED: {
    exit: EXIT.failed,
    retryable: false,
    means: 'A migration could not be applied; nothing of it was kept.',
    action: 'Read the database error in the message, mend its cause, and run `rae migrate` again.',
  },
  RAE_SCHEMA_NEWER: {
    exit: EXIT.refused,
    retryable: false,
    means: 'The database has a breaking migration that this release does not know.',
    action: 'Run a release that knows it; this one would misread the data.',
  },
  RAE_REDIS_UNREACHABLE: {
    exit: EXIT.failed,
    retryable: true,
    means: 'Redis could not be reached, or refused the connection.',
    action: 'Check that it runs, the address and the password; nothing is lost meanwhile.',
  },
  RAE_REDIS_REFUSED: {
    exit: EXIT.refused,
    retryable: false,
    means: 'Redis may evict keys, or is too old.',
    action: 'Set `maxmemory-policy noeviction`; use Redis 6.2 or newer.',
  },
  RAE_SERVICE_UNAVAILABLE: {
    exit: EXIT.failed,
    retryable: false,
    means: 'Postgres or Redis is neither given nor could be found or started here.',
    action: 'Use one of the commands in the message.',
  },
  RAE_PORT_IN_USE: {
    exit: EXIT.failed,
    retryable: true,
    means: 'The port asked for is taken by another process.',
    action: 'Choose another port, or 0 for any free one.',
  },
  RAE_DATA_DIR_UNUSABLE: {
    exit: EXIT.failed,
    retryable: false,
    means: 'The data directory cannot be used: no permission, no space, or another fleet has it.',
    action: 'Free space or name another folder with --data.',
  },
  RAE_WORKER_INVALID: {
    exit: EXIT.failed,
    retryable: false,
    means: "A worker's folder does not fulfil the worker contract.",
    action: 'Mend the folder as the message says; the fleet does not start with half a catalogue.',
  },
  RAE_STATEMENT_INVALID: {
    exit: EXIT.failed,
    retryable: false,
    means: 'A .sql file has no such statement, or a malformed header.',
    action: 'Mend the file; the message names file and line.',
  },
  RAE_SECRET_UNREADABLE: {
    exit: EXIT.failed,
    retryable: false,
    means: 'A sealed secret does not open: its master key is not given, or it was changed or lies in another place.',
    action:
      'Give the master key that the message names in RAE_MASTER_KEYS, or set the secret anew with `rae secret set`.',
  },
  RAE_ROW_INVALID: {
    exit: EXIT.failed,
    retryable: false,
    means: 'A row of a file cannot be imported; nothing of the file was.',
    action: 'Correct the line that the message names, or put such rows aside with --batches.',
  },
  RAE_FENCE_LOST: {
    exit: EXIT.failed,
    retryable: false,
    means: 'Another attempt owns the run: this one was too late and changed nothing.',
    action: 'None: the fence did its work. Many of them point at leases that are too short.',
  },
  RAE_INTERRUPTED: {
    exit: EXIT.failed,
    retryable: true,
    means: 'The command was told to stop before it was done.',
    action: 'None; what it had finished is kept, and it may be called again.',
  },
  RAE_REFUSED: {
    exit: EXIT.refused,
    retryable: false,
    means: 'The request was understood and is not allowed in the present state.',
    action: 'The message says what stands against it.',
  },
  ...REQUEST_ERRORS,
  RAE_INTERNAL: {
    exit: EXIT.failed,
    retryable: true,
    means: 'Something failed that should not have.',
    action: 'Look at the log around it and report it.',
  },
} satisfies Record<string, ErrorEntry>);

export type ErrorCode = keyof typeof ERRORS;

/** An error with a stable code from the catalogue, a message for people, and where there is one a next step. */
export class RaeError extends Error {
  override readonly name = 'RaeError';
  readonly code: ErrorCode;
  /** The nearest right thing, or what to do next; undefined where the message says it all. */
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((inner) => messageOf(inner)).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
