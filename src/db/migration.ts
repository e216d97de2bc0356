import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RaeError } from '../kernel/errors.ts';

/** One numbered migration file. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  /** sha256 of the text: a file changed after it was applied is refused. */
  readonly checksum: string;
  /** Releases that do not know it must not run on its schema. */
  readonly breaking: boolean;
  /** True for the first one, which makes the owner role; all others run as that role. */
  readonly asConnectingRole: boolean;
}

/**
 * Reads every migration in `folder`, in order.
 * @throws RaeError `RAE_STATEMENT_INVALID` where numbers are not contiguous from 1 or a header line is missing.
 */
export function readMigrations(folder: URL): readonly Migration[] {
  const path = fileURLToPath(folder);
  const files = readdirSync(path)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  return files.map((file, index) => {
    const named = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file);
    const version = Number(named?.[1]);
    if (named === null || version !== index + 1) {
      throw new RaeError(
        'RAE_STATEMENT_INVALID',
        `${file}: expected migration ${String(index + 1).padStart(4, '0')}_verb_noun.sql`,
      );
    }
    const text = readFileSync(join(path, file), 'utf8');
    const breaking = /^-- breaking:\s+(yes|no)/m.exec(text)?.[1];
    if (breaking === undefined)
      throw new RaeError('RAE_STATEMENT_INVALID', `${file}: its header lacks "-- breaking: yes|no"`);
    return Object.freeze({
      version,
      name: named[2] ?? '',
      text,
      checksum: createHash('sha256').update(text).digest('hex'),
      breaking: breaking === 'yes',
      asConnectingRole: /^-- runs as:\s+the connecting role/m.test(text),
    });
  });
}
