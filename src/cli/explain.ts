import { sqlStateOf } from '../db/sqlstate.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { redactText } from '../kernel/redact.ts';

/** What a database error of this state means to whoever called a command, and what they do about it. */
const STATES: readonly (readonly [states: readonly string[], code: RaeError['code'], says: string, hint: string])[] = [
  [
    ['42P01', '42883', '42703', '3F000', '42704', '22023'],
    'RAE_DATABASE_REFUSED',
    'the database does not have what this release expects',
    'bring it up to date with: rae migrate',
  ],
  [
    ['42501'],
    'RAE_DATABASE_REFUSED',
    'the login has not the rights this needs',
    'connect as a member of the role that is needed; rae doctor shows them',
  ],
  [
    ['53100', '58030'],
    'RAE_INTERNAL',
    'the disk of Postgres is full',
    'free space there; nothing of this command was kept',
  ],
  [['57014', '55P03', '40P01', '40001'], 'RAE_INTERNAL', 'the database was too busy', 'try again'],
];

/** Any error as one with a code, a message for people, and where there is one a next step. Never with a secret. */
export function explained(error: unknown): RaeError {
  if (error instanceof RaeError) return error;
  const state = sqlStateOf(error);
  const known = STATES.find(([states]) => state !== undefined && states.includes(state));
  const message = redactText(messageOf(error));
  if (known !== undefined) {
    const [, code, says, hint] = known;
    return new RaeError(code, `${says}: ${message}`, { hint, cause: error });
  }
  return new RaeError('RAE_INTERNAL', message, {
    hint: 'RAE_LOG_LEVEL=debug shows where it comes from',
    cause: error,
  });
}
