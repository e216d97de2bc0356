import { RaeError } from '../kernel/errors.ts';

/** One section of a `.sql` file: its header, key by key, and the SQL below it. */
export interface SqlSection {
  readonly name: string;
  readonly header: Readonly<Record<string, string>>;
  readonly body: string;
}

const HEADER_KEYS = ['takes', 'gives', 'again', 'locks', 'index'] as const;

/**
 * Splits a `.sql` file into its named sections. Each begins with `-- statement: name` or `-- function: name`, then a
 * header line for each of takes, gives, again, locks and index (a function also has `role`), then the SQL.
 * @throws RaeError `RAE_STATEMENT_INVALID` where a name repeats, a header line is missing or the SQL is empty.
 */
export function parseSqlFile(file: string, text: string, kind: 'statement' | 'function'): readonly SqlSection[] {
  const marker = new RegExp(`^-- ${kind}: (\\w+)\\s*$`, 'm');
  const parts = text.split(new RegExp(`^-- ${kind}: (\\w+)[^\\S\\n]*$`, 'm'));
  if (!marker.test(text)) throw new RaeError('RAE_STATEMENT_INVALID', `${file}: holds no "-- ${kind}: name"`);
  const sections: SqlSection[] = [];
  for (let i = 1; i < parts.length; i += 2) {
    const name = parts[i] ?? '';
    const header: Record<string, string> = {};
    const body: string[] = [];
    let last: string | undefined;
    for (const line of (parts[i + 1] ?? '').split('\n')) {
      const keyed = /^-- (takes|gives|again|locks|index|role)\s+(.*)$/.exec(line);
      if (body.length === 0 && keyed) {
        last = keyed[1] ?? '';
        header[last] = (keyed[2] ?? '').trim();
      } else if (body.length === 0 && last !== undefined && line.startsWith('--')) {
        header[last] = `${header[last]} ${line.slice(2).trim()}`;
      } else if (body.length > 0 || line.trim() !== '') {
        body.push(line);
      }
    }
    const missing = HEADER_KEYS.filter((key) => header[key] === undefined);
    if (missing.length > 0) {
      throw new RaeError(
        'RAE_STATEMENT_INVALID',
        `${file}: ${kind} "${name}" lacks in its header: ${missing.join(', ')}`,
      );
    }
    if (sections.some((other) => other.name === name)) {
      throw new RaeError('RAE_STATEMENT_INVALID', `${file}: ${kind} "${name}" is there twice`);
    }
    const sql = body.join('\n').trim().replace(/;$/, '');
    if (sql === '') throw new RaeError('RAE_STATEMENT_INVALID', `${file}: ${kind} "${name}" is empty`);
    sections.push({ name, header, body: sql });
  }
  return sections;
}
