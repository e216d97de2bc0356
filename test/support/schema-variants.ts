import { createHash } from 'node:crypto';
import { functionsOf } from '../../src/db/function-set.ts';
import type { Migration } from '../../src/db/migration.ts';
import type { Schema } from '../../src/db/schema.ts';

/** A further migration after those of `schema`, as a later release would bring it. */
export function laterMigration(schema: Schema, text: string, breaking = false): Migration {
  const version = schema.migrations.length + 1;
  return {
    version,
    name: 'create_later',
    text,
    checksum: createHash('sha256').update(text).digest('hex'),
    breaking,
    asConnectingRole: false,
  };
}

/** `schema` with more migrations and functions. */
export function extended(schema: Schema, more: Partial<Schema>): Schema {
  return {
    migrations: [...schema.migrations, ...(more.migrations ?? [])],
    functions: [...schema.functions, ...(more.functions ?? [])],
    workers: schema.workers,
  };
}

/** One function that gives `text`: another text is another release of the same function. */
export function greeting(text: string): Schema['functions'] {
  const header = ['takes nothing', 'gives a text', 'again safe', 'locks none', 'index none', 'role rae_worker'];
  const source = [
    '-- function: greeting',
    ...header.map((line) => `-- ${line}`),
    `create function {{greeting}}() returns text language sql immutable as $$ select '${text}' $$;`,
  ];
  return functionsOf('greeting.sql', source.join('\n')).all;
}
