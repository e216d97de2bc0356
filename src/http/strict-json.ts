import { RaeError } from '../kernel/errors.ts';

const DEEPEST = 32;
const PROTOTYPES = ['__proto__', 'constructor', 'prototype'];

/**
 * The value of a JSON body.
 * @throws RaeError `RAE_USAGE` for what is no JSON in UTF-8, is nested deeper than 32, names a field twice, or holds what
 *   would be stored as something else: numbers that JavaScript cannot keep, NUL characters, half characters, keys that
 *   reach for prototypes.
 */
export function strictJson(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw wrong('is not in UTF-8');
  }
  if (text.startsWith('\ufeff')) throw wrong('begins with a byte order mark');
  refuseForm(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('is not JSON');
  }
  refuseContents(value);
  return value;
}

/** Before parsing: a body of brackets alone would cost memory out of proportion, and of two fields of one name one would be lost. */
function refuseForm(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '[') open.push(char === '{' ? new Set() : undefined);
    else if (char === '}' || char === ']') open.pop();
    if (open.length > DEEPEST) throw wrong(`is nested deeper than ${DEEPEST} levels`);
    if (char !== '"') continue;
    const begin = at;
    for (at += 1; at < text.length && text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1;
    const names = open.at(-1);
    let next = at + 1;
    while (next < text.length && ' \t\n\r'.includes(text.charAt(next))) next += 1;
    if (names !== undefined && text[next] === ':') refuseTwice(names, text.slice(begin, at + 1));
  }
}

function refuseTwice(names: Set<string>, quoted: string): void {
  let name: string;
  try {
    name = JSON.parse(quoted);
  } catch {
    throw wrong('is not JSON');
  }
  if (names.has(name)) throw wrong(`has the field ${JSON.stringify(name.slice(0, 60))} twice`);
  names.add(name);
}

function refuseContents(value: unknown): void {
  if (typeof value === 'string') refuseText(value);
  if (
    typeof value === 'number' &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
  )
    throw wrong('holds a number that is too large to be kept exactly; write it as a string');
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (PROTOTYPES.includes(key)) throw wrong(`has a field ${key}`);
    refuseText(key);
    refuseContents(inner);
  }
}

function refuseText(text: string): void {
  if (text.includes('\0')) throw wrong('holds a NUL character');
  if (/\p{Cs}/u.test(text)) throw wrong('holds half a character (a lone surrogate)');
}

function wrong(what: string): RaeError {
  return new RaeError('RAE_USAGE', `the body ${what}`);
}
