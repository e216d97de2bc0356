/** A secret key under a name that may be shown. */
export interface NamedKey {
  readonly id: string;
  /** The key itself, in base64. */
  readonly base64: string;
}

const MOST_KEYS = 16;
const LEAST_BYTES = 32;
const ID = /^[a-z0-9_-]{1,16}$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** True for the name of a key: 1 to 16 of a-z, 0-9, `_` and `-`. */
export function isKeyId(text: string): boolean {
  return ID.test(text);
}

/**
 * What is wrong with a list of keys `id:base64,id:base64`, as the rest of a sentence that begins with its name;
 * undefined when it is fine. Keys are called by their place: what is malformed may have the secret anywhere in it.
 */
export function faultOfKeyList(text: string): string | undefined {
  const entries = split(text);
  if (entries.length > MOST_KEYS) return `holds ${entries.length} keys; ${MOST_KEYS} are the most`;
  for (const [index, entry] of entries.entries()) {
    const fault = faultOfEntry(entry);
    if (fault !== undefined) return `has a mistake in key ${index + 1}: ${fault}`;
  }
  const ids = readKeyList(text).map(({ id }) => id);
  const second = ids.findIndex((id, index) => ids.indexOf(id) < index);
  return second === -1 ? undefined : `gives keys ${ids.indexOf(ids[second] ?? '') + 1} and ${second + 1} the same id`;
}

/** The keys of a list that has no fault, in its order: newest first. */
export function readKeyList(text: string): readonly NamedKey[] {
  return split(text).map((entry) => {
    const colon = entry.indexOf(':');
    return { id: entry.slice(0, colon), base64: entry.slice(colon + 1) };
  });
}

function split(text: string): readonly string[] {
  return text.split(',').map((entry) => entry.trim());
}

function faultOfEntry(entry: string): string | undefined {
  if (entry === '') return 'it is empty';
  const colon = entry.indexOf(':');
  if (colon === -1) return 'it has no id before a colon';
  if (!isKeyId(entry.slice(0, colon))) return 'its id is not 1 to 16 of a-z, 0-9, _ and -';
  const base64 = entry.slice(colon + 1);
  if (/\s/.test(base64)) return 'there is white space in it (a comma goes between two keys)';
  if (!BASE64.test(base64) || base64.replace(/=+$/, '').length % 4 === 1) return 'what follows its id is not base64';
  const bytes = Buffer.from(base64, 'base64').length;
  return bytes < LEAST_BYTES ? `it has ${bytes} bytes; ${LEAST_BYTES} are the least` : undefined;
}
