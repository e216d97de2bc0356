import type { TextFile } from './finding.ts';

/** True for SQL that is shipped: migrations, statements and functions. */
export function isSql(file: TextFile): boolean {
  return file.path.endsWith('.sql') && /^(migrations|src|workers|queues)\//.test(file.path);
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** The SQL with every comment blanked out; offsets and lines stay what they were. Strings keep their text. */
export function withoutComments(text: string): string {
  return text.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    found.startsWith('--') || found.startsWith('/*') ? blank(found) : found,
  );
}

/** One `create function` or `create procedure`, from its first word to its end. */
export interface SqlFunction {
  /** Without schema, and without the braces of a name that the installer fills in. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Everything but the body: name, arguments, what it returns, its attributes. */
  readonly head: string;
}

const CREATES = /\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?:\w+\.)?(\w+|\{\{\w+\}\})/gi;

function bodyOf(code: string, from: number): { readonly start: number; readonly end: number } {
  const opening = /\$(\w*)\$|\bbegin\s+atomic\b|;/gi;
  opening.lastIndex = from;
  const found = opening.exec(code);
  if (found === null || found[0] === ';')
    return { start: found?.index ?? code.length, end: found?.index ?? code.length };
  const after = found.index + found[0].length;
  const closing = found[1] === undefined ? /\bend\s*;/gi : new RegExp(`\\$${found[1]}\\$`, 'g');
  closing.lastIndex = after;
  const close = closing.exec(code);
  return { start: found.index, end: close === null ? code.length : close.index + close[0].length };
}

/** The functions and procedures a file creates. Takes SQL without comments. */
export function sqlFunctions(code: string): SqlFunction[] {
  return [...code.matchAll(CREATES)].map((match) => {
    const body = bodyOf(code, match.index);
    const semicolon = code.indexOf(';', body.end);
    const end = semicolon === -1 ? code.length : semicolon;
    const head = code.slice(match.index, body.start) + code.slice(body.end, end);
    return { name: (match[1] ?? '').replace(/[{}]/g, '').toLowerCase(), start: match.index, end, head };
  });
}

/** One named section of a `.sql` file, with its header and the SQL below it. */
export interface Section {
  readonly kind: string;
  readonly name: string;
  readonly line: number;
  /** The header's lines, without the one that names it. */
  readonly header: readonly string[];
  readonly code: string;
}

const NAMES = /^--\s*(statement|function):(.*)$/;

/** The named sections of a file, in order. */
export function sectionsOf(text: string): Section[] {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, index) => (NAMES.test(line) ? [index] : []));
  return starts.map((start, index) => {
    const own = lines.slice(start + 1, starts[index + 1] ?? lines.length);
    const first = own.findIndex((line) => line.trim() !== '' && !line.startsWith('--'));
    const named = NAMES.exec(lines[start] ?? '');
    const header = first === -1 ? own : own.slice(0, first);
    const code = withoutComments(first === -1 ? '' : own.slice(first).join('\n'));
    return { kind: named?.[1] ?? '', name: (named?.[2] ?? '').trim(), line: start + 1, header, code };
  });
}
