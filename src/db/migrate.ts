import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Database, Queryable } from './database.ts';
import type { SqlFunction } from './function-set.ts';
import type { Migration } from './migration.ts';
import type { Schema } from './schema.ts';
import { schemaGap } from './schema-state.ts';
import { sqlStateOf } from './sqlstate.ts';
import { loadStatements, statement } from './statement.ts';

const sql = loadStatements(new URL('./migrate.sql', import.meta.url), [
  'lock',
  'prepare',
  'becomeOwner',
  'record',
  'registerWorkers',
]);

/** The roles belong to the whole cluster: the owner of another database may have made them. */
const RIGHTS =
  'migrate as a superuser, or as the owner of the database with CREATEROLE and, where the roles rae_* are there ' +
  'already, with ADMIN OPTION on them';

/** What one call of `migrate` did. */
export interface MigrationReport {
  readonly migrations: readonly string[];
  readonly functions: readonly string[];
}

/**
 * Brings the database to `schema`. Forward only; each migration is one transaction with its record, so that a failed
 * one leaves nothing behind. Safe to call from many processes at once: they go one after the other. Safe to repeat.
 * @throws RaeError `RAE_MIGRATION_FAILED`, `RAE_SCHEMA_NEWER` or `RAE_DATABASE_REFUSED`.
 */
export async function migrate(database: Database, schema: Schema): Promise<MigrationReport> {
  const migrations: string[] = [];
  const functions: string[] = [];
  for (;;) {
    const step = await database.transaction(async (tx) => {
      await tx.rows(sql.lock);
      const gap = await schemaGap(tx, schema);
      const [next] = gap.migrations;
      if (next !== undefined) {
        await apply(tx, next);
        return { migration: `${String(next.version).padStart(4, '0')}_${next.name}` };
      }
      await tx.rows(sql.becomeOwner);
      for (const one of gap.functions) await install(tx, one);
      await tx.rows(sql.registerWorkers, [schema.workers]);
      return { functions: gap.functions.map((one) => one.installed) };
    });
    if (step.functions !== undefined) return { migrations, functions: [...functions, ...step.functions] };
    migrations.push(step.migration);
  }
}

async function apply(tx: Queryable, migration: Migration): Promise<void> {
  try {
    if (migration.version === 1) await tx.rows(sql.prepare);
    // Recorded first, so that a second migrator which slipped past the lock collides here before it changes anything.
    const { version, name, checksum, breaking } = migration;
    await tx.rows(sql.record, [version, name, checksum, breaking]);
    if (!migration.asConnectingRole) await tx.rows(sql.becomeOwner);
    await tx.rows(statement(`migration_${version}`, migration.text));
  } catch (error) {
    throw new RaeError(
      'RAE_MIGRATION_FAILED',
      `migration ${migration.version} (${migration.name}): ${messageOf(error)}`,
      {
        hint: sqlStateOf(error) === '42501' ? RIGHTS : undefined,
        cause: error,
      },
    );
  }
}

async function install(tx: Queryable, one: SqlFunction): Promise<void> {
  const name = `public.${one.installed}`;
  const grants = one.roles.map((role) => `grant execute on routine ${name} to ${role}`);
  const text = [one.text, `revoke all on routine ${name} from public`, ...grants].join(';\n');
  try {
    await tx.rows(statement(one.installed, text));
  } catch (error) {
    throw new RaeError('RAE_MIGRATION_FAILED', `function ${one.name}: ${messageOf(error)}`, { cause: error });
  }
}
