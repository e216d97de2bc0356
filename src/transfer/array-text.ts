import { RowFault } from './row-fault.ts';

/**
 * The elements of an array as a cell holds it: as JSON (`["a","b"]`, `[0.1,0.2]`) or as Postgres writes it (`{a,"b c"}`).
 * @throws RowFault for anything else, an array in an array included.
 */
export function arrayElements(text: string): readonly unknown[] {
  const start = text.trimStart();
  if (start.startsWith('[')) return jsonArray(start);
  if (start.startsWith('{')) return postgresArray(start.trimEnd());
  throw wrong();
}

function jsonArray(text: string): readonly unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    throw wrong();
  }
}

/** A quoted element, or a bare one; then what must follow it. Only what Postgres takes for space is space. */
const ELEMENT = /[ \t\n\r\v\f]*(?:"((?:[^"\\]|\\[\s\S])*)"|((?:[^",{}\\]|\\[\s\S])+))[ \t\n\r\v\f]*([,}])/y;
const SPACE_AROUND = /^[ \t\n\r\v\f]+|[ \t\n\r\v\f]+$/g;

function postgresArray(text: string): readonly (string | null)[] {
  if (/^\{\s*\}$/.test(text)) return [];
  const elements: (string | null)[] = [];
  ELEMENT.lastIndex = 1;
  for (;;) {
    const found = ELEMENT.exec(text);
    if (found === null) throw wrong();
    const [, quoted, given = '', follows] = found;
    const bare = given.replace(SPACE_AROUND, '');
    if (quoted !== undefined) elements.push(unescaped(quoted));
    else elements.push(bare.toUpperCase() === 'NULL' ? null : unescaped(bare));
    if (follows === ',') continue;
    // Whatever stands behind the last bracket is not ours to drop.
    if (ELEMENT.lastIndex !== text.length) throw wrong();
    return elements;
  }
}

const unescaped = (text: string): string => (text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text);

function wrong(): RowFault {
  return new RowFault(null, 'is not an array: neither JSON such as ["a","b"] nor Postgres text such as {a,b}');
}
