/**
 * The members of the JSON object in `text`, each as it is written: what is only passed on keeps its big numbers.
 * @param text one that JSON.parse has accepted as an object.
 */
export function rawMembers(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = text.indexOf('{') + 1;
  for (;;) {
    const opening = text.indexOf('"', at);
    if (opening === -1) return members;
    const closing = endOfString(text, opening);
    const start = skipSpace(text, text.indexOf(':', closing) + 1);
    const end = endOfValue(text, start);
    const name = text.slice(opening + 1, closing - 1);
    members.set(name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name, text.slice(start, end));
    const next = skipSpace(text, end);
    if (text[next] !== ',') return members;
    at = next + 1;
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 32) at += 1;
  return at;
}

/** Behind the quote that closes the string that opens at `opening`. */
function endOfString(text: string, opening: number): number {
  for (let at = opening + 1; ; ) {
    const quote = text.indexOf('"', at);
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') {
    let at = start;
    // A number or a word: up to a comma, a closing brace or space.
    for (let code = text.charCodeAt(at); code > 32 && code !== 44 && code !== 125 && code !== 93; ) {
      at += 1;
      code = text.charCodeAt(at);
    }
    return at;
  }
  let depth = 0;
  for (let at = start; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 34) at = endOfString(text, at) - 1;
    else if (code === 123 || code === 91) depth += 1;
    else if (code === 125 || code === 93) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
}

/** Why Postgres would refuse this JSON value although JSON has it; undefined where it would not. */
export function refusedByPostgres(value: unknown): string | undefined {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one === 'string') {
      const fault = textFault(one);
      if (fault !== undefined) return fault;
    } else if (typeof one === 'object' && one !== null) {
      for (const [key, inner] of Object.entries(one)) left.push(key, inner);
    }
  }
  return undefined;
}

const UNPAIRED = /[\ud800-\udfff]/u;

/** Why Postgres cannot hold this text; undefined where it can. */
export function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'holds a NUL character, which Postgres cannot store';
  return UNPAIRED.test(text) ? 'holds half of a surrogate pair, which is no character' : undefined;
}
