import { RaeError } from '../kernel/errors.ts';

/** What a tenant is made of. */
export interface NewTenant {
  readonly name: string;
  readonly plan: string;
  /** Whom to write to about this tenant. */
  readonly adminEmail?: string | undefined;
  /** Kept with the tenant and never looked at. At most 64 KiB as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

const MOST_CHARACTERS = 255;
const MOST_METADATA_BYTES = 64 * 1024;

/** Characters that would move a terminal's cursor, break a table or turn the direction of what follows. */
const STEERING = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * The input with its name trimmed.
 * @throws RaeError `RAE_USAGE`: a name that is empty, longer than 255 characters or holds control characters; an
 *   address without one @; metadata over 64 KiB, or with a NUL character, which Postgres cannot store.
 */
export function checkedTenant(input: NewTenant): NewTenant {
  const name = input.name.trim();
  if (name === '') throw wrong('a tenant needs a name');
  const length = [...name].length;
  if (length > MOST_CHARACTERS) throw wrong(`the name has ${length} characters; ${MOST_CHARACTERS} is the limit`);
  if (STEERING.test(name)) throw wrong('the name holds control characters');
  const { adminEmail, metadata = {} } = input;
  if (adminEmail !== undefined && !isAddress(adminEmail)) {
    throw wrong(`${JSON.stringify(adminEmail.slice(0, 60))} is not an e-mail address`);
  }
  const json = JSON.stringify(metadata);
  if (Buffer.byteLength(json) > MOST_METADATA_BYTES) throw wrong('the metadata is larger than 64 KiB');
  if (json.includes('\\u0000')) throw wrong('the metadata holds a NUL character');
  return { ...input, name, metadata };
}

function isAddress(text: string): boolean {
  return text.length <= 255 && /^[^\s@]+@[^\s@]+$/.test(text) && !STEERING.test(text);
}

function wrong(message: string): RaeError {
  return new RaeError('RAE_USAGE', message);
}
