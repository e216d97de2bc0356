import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RaeError } from '../kernel/errors.ts';
import { parseSqlFile } from './sql-file.ts';

/** A database function or procedure as `rae migrate` installs it. */
export interface SqlFunction {
  /** Its name in the source. */
  readonly name: string;
  /** Its name in the database, without schema: carries a hash of its text, so that two releases can run side by side. */
  readonly installed: string;
  /** The whole `create function …`. */
  readonly text: string;
  /** The roles that may execute it. */
  readonly roles: readonly string[];
}

/**
 * The functions of one `.sql` file (or of one composed text). A function refers to itself and to earlier ones as
 * `{{name}}`; the reference becomes the schema-qualified installed name.
 */
export class FunctionSet {
  readonly #functions: ReadonlyMap<string, SqlFunction>;

  constructor(functions: readonly SqlFunction[]) {
    this.#functions = new Map(functions.map((one) => [one.name, one]));
  }

  /** The functions, in the order in which they must be installed. */
  get all(): readonly SqlFunction[] {
    return [...this.#functions.values()];
  }

  /** `public.rae_<name>_<hash>`. @throws RaeError `RAE_STATEMENT_INVALID` for a name that is not in the set. */
  installedName(name: string): string {
    const found = this.#functions.get(name);
    if (found === undefined) throw new RaeError('RAE_STATEMENT_INVALID', `there is no function {{${name}}}`);
    return `public.${found.installed}`;
  }
}

/** Reads the functions of the `.sql` file at `url`. `replace` fills placeholders of a template before it is hashed. */
export function loadFunctions(url: URL, replace: (text: string) => string = (text) => text): FunctionSet {
  const file = fileURLToPath(url);
  return functionsOf(file, replace(readFileSync(file, 'utf8')));
}

/** The functions in `text`, which is named `file` in error messages. */
export function functionsOf(file: string, text: string): FunctionSet {
  const functions: SqlFunction[] = [];
  const names = new Map<string, string>();
  for (const section of parseSqlFile(file, text, 'function')) {
    const known = section.body.replace(/\{\{(\w+)\}\}/g, (all, name: string) => names.get(name) ?? all);
    const hash = createHash('sha256').update(known).digest('hex').slice(0, 10);
    const installed = `rae_${section.name}_${hash}`;
    names.set(section.name, `public.${installed}`);
    const complete = known.replaceAll(`{{${section.name}}}`, `public.${installed}`);
    const left = /\{\{(\w+)\}\}/.exec(complete);
    if (left) {
      throw new RaeError(
        'RAE_STATEMENT_INVALID',
        `${file}: function "${section.name}" calls ${left[0]}, which is not above it`,
      );
    }
    const roles = (section.header.role ?? '').split(/[\s,]+/).filter((role) => role !== '');
    if (roles.length === 0) {
      throw new RaeError('RAE_STATEMENT_INVALID', `${file}: function "${section.name}" lacks "-- role" in its header`);
    }
    functions.push(Object.freeze({ name: section.name, installed, text: complete, roles }));
  }
  return new FunctionSet(functions);
}
