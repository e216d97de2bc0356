import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RaeError } from '../kernel/errors.ts';
import type { FunctionSet } from './function-set.ts';
import { parseSqlFile } from './sql-file.ts';

/** One named SQL statement of a `.sql` file, ready to be sent. `key` names it as a prepared statement. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly key: string;
}

/** Makes a statement of `text`; equal texts share one prepared statement per connection. */
export function statement(name: string, text: string): Statement {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return Object.freeze({ name, text, key: `${name}_${hash}` });
}

/**
 * Reads the named statements of the `.sql` file at `url`.
 * @param names every statement the file holds: one missing, or one nobody asks for, is an error, so that dead SQL
 *   does not stay behind.
 * @param functions the functions that `{{name}}` in a statement may refer to.
 * @throws RaeError `RAE_STATEMENT_INVALID`, naming the file.
 */
export function loadStatements<Name extends string>(
  url: URL,
  names: readonly Name[],
  functions?: FunctionSet,
): Readonly<Record<Name, Statement>> {
  const file = fileURLToPath(url);
  const sections = parseSqlFile(file, readFileSync(file, 'utf8'), 'statement');
  const found = new Map(sections.map((section) => [section.name, section]));
  for (const name of found.keys()) {
    if (!(names as readonly string[]).includes(name)) {
      throw new RaeError('RAE_STATEMENT_INVALID', `${file}: nobody uses the statement "${name}"`);
    }
  }
  const entries = names.map((name) => {
    const section = found.get(name);
    if (section === undefined) throw new RaeError('RAE_STATEMENT_INVALID', `${file}: there is no statement "${name}"`);
    const text = section.body.replace(/\{\{(\w+)\}\}/g, (_all, wanted: string) => {
      if (functions === undefined) {
        throw new RaeError(
          'RAE_STATEMENT_INVALID',
          `${file}: "${name}" calls {{${wanted}}}, but no functions were given`,
        );
      }
      return functions.installedName(wanted);
    });
    return [name, statement(name, text)] as const;
  });
  return Object.freeze(Object.fromEntries(entries)) as Readonly<Record<Name, Statement>>;
}
