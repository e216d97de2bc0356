import type { FunctionSet, SqlFunction } from './function-set.ts';
import { type Migration, readMigrations } from './migration.ts';

/** What this release expects a database to hold. */
export interface Schema {
  readonly migrations: readonly Migration[];
  readonly functions: readonly SqlFunction[];
  /** The names of the workers that may be asked for. */
  readonly workers: readonly string[];
}

/** The schema made of the migrations, of `sets` of functions, each beside the code that calls it, and of the workers' names. */
export function schemaOf(sets: readonly FunctionSet[], workers: readonly string[]): Schema {
  return Object.freeze({
    workers,
    migrations: readMigrations(new URL('../../migrations/', import.meta.url)),
    functions: sets.flatMap((set) => set.all),
  });
}
