import type { FunctionSet, SqlFunction } from './function-set.ts';
import { type Migration, readMigrations } from './migration.ts';

/** What this release expects a database to hold. */
export interface Schema {
  readonly migrations: readonly Migration[];
  readonly functions: readonly SqlFunction[];
}

/** The schema made of the migrations and of `sets` of functions, each beside the code that calls it. */
export function schemaOf(sets: readonly FunctionSet[]): Schema {
  return Object.freeze({
    migrations: readMigrations(new URL('../../migrations/', import.meta.url)),
    functions: sets.flatMap((set) => set.all),
  });
}
