import { RaeError } from '../kernel/errors.ts';
import type { Queryable } from './database.ts';
import type { Migration } from './migration.ts';
import type { Schema } from './schema.ts';
import { loadStatements } from './statement.ts';

const sql = loadStatements(new URL('./schema-state.sql', import.meta.url), ['migrationTable', 'applied', 'installed']);

/** What a database lacks to be the schema that this release expects. */
export interface SchemaGap {
  readonly migrations: readonly Migration[];
  readonly functions: Schema['functions'];
}

/**
 * Compares the database with `schema`.
 * @returns what is missing; both lists empty when it is ready.
 * @throws RaeError `RAE_SCHEMA_NEWER` when a breaking migration was applied that this release does not know,
 *   `RAE_DATABASE_REFUSED` when an applied migration's file was changed since.
 */
export async function schemaGap(database: Queryable, schema: Schema): Promise<SchemaGap> {
  const [table] = await database.rows<{ present: boolean }>(sql.migrationTable);
  const applied =
    table?.present === true
      ? await database.rows<{ version: number; name: string; checksum: string; breaking: boolean }>(sql.applied)
      : [];
  for (const row of applied) {
    const known = schema.migrations.find((migration) => migration.version === row.version);
    if (known === undefined && row.breaking) {
      throw new RaeError(
        'RAE_SCHEMA_NEWER',
        `the database has the breaking migration ${row.version} (${row.name}), which this release does not know`,
        { hint: 'run the release that brought it, or a newer one' },
      );
    }
    if (known !== undefined && known.checksum !== row.checksum) {
      throw new RaeError(
        'RAE_DATABASE_REFUSED',
        `migration ${row.version} (${row.name}) was changed after it was applied`,
        {
          hint: 'restore the file; put the change into a new migration',
        },
      );
    }
  }
  const done = new Set(applied.map((row) => row.version));
  const names = schema.functions.map((one) => one.installed);
  const there = new Set((await database.rows<{ name: string }>(sql.installed, [names])).map((row) => row.name));
  return {
    migrations: schema.migrations.filter((migration) => !done.has(migration.version)),
    functions: schema.functions.filter((one) => !there.has(one.installed)),
  };
}
