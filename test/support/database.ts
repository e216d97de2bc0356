import pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import { Database, type DatabaseOptions } from '../../src/db/database.ts';
import { Shards } from '../../src/db/shards.ts';
import { TenantContext } from '../../src/db/tenant-context.ts';
import { eventually } from './eventually.ts';
import { type FleetRole, loginOf } from './login-role.ts';
import type { TestServices } from './provided.ts';
import { connected, urlWith } from './server.ts';

/** Who connects: a service role of the fleet by its login, or the superuser. */
export type ConnectAs = FleetRole | 'admin';

let made = 0;

/** A database of one test file. */
export class TestDatabase {
  readonly name: string;
  readonly #services: TestServices;
  readonly #opened: Database[] = [];
  readonly #plain = new Map<ConnectAs, Database>();
  readonly #pool: pg.Pool;

  constructor(services: TestServices, name: string) {
    this.name = name;
    this.#services = services;
    this.#pool = new pg.Pool({ connectionString: this.url('admin'), application_name: 'rae test admin', max: 2 });
    this.#pool.on('error', () => undefined);
  }

  /** The address of this database for `who`. */
  url(who: ConnectAs): string {
    const { adminUrl, prefix, password } = this.#services;
    if (who === 'admin') return urlWith(adminUrl, { database: this.name });
    return urlWith(adminUrl, { database: this.name, user: loginOf(prefix, who), password });
  }

  /** A `Database` as the fleet uses it, closed with this one. Without options it is one and the same for each role. */
  open(who: ConnectAs, options?: Partial<DatabaseOptions>): Database {
    const known = options === undefined ? this.#plain.get(who) : undefined;
    if (known !== undefined) return known;
    const database = new Database({
      url: this.url(who),
      applicationName: `rae test ${who}`,
      poolSize: 2,
      statementTimeoutMs: 30_000,
      prepared: true,
      ...options,
    });
    this.#opened.push(database);
    if (options === undefined) this.#plain.set(who, database);
    return database;
  }

  /** The only way to tenant data, on this database as its single shard. */
  tenants(who: ConnectAs = 'rae_worker', options?: Partial<DatabaseOptions>): TenantContext {
    return new TenantContext(new Shards(new Map([['main', this.open(who, options)]])));
  }

  /** Sends `text` as the superuser, whom row security does not bind: arranges a test and looks at what came of it. */
  async admin<R extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    return (await this.#pool.query<R>(text, values)).rows;
  }

  /** Closes what was opened here. @throws when anybody is still connected: a session was leaked. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened.map((one) => one.close()), this.#pool.end()]);
    await connected(this.#services.adminUrl, async (client) => {
      const sessions = async () =>
        (
          await client.query<{ session: string }>(
            `select format('%s (%s): %s', application_name, state, left(query, 80)) as session
               from pg_catalog.pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
            [this.name],
          )
        ).rows.map((row) => row.session);
      const isEmpty = async () => ((await sessions()).length === 0 ? true : undefined);
      const gone = await eventually(isEmpty, { what: 'no session' }).catch(() => false);
      const left = gone ? [] : await sessions();
      await client.query(`drop database if exists ${client.escapeIdentifier(this.name)} with (force)`);
      if (left.length > 0) throw new Error(`sessions were left behind in ${this.name}:\n${left.join('\n')}`);
    });
  }
}

/** A new database: a copy of the migrated template, or an empty one. Whoever asks for it closes it. */
export async function createDatabase(from: 'template' | 'empty' = 'template'): Promise<TestDatabase> {
  const services = inject('services');
  made += 1;
  const name = `${services.prefix}_${process.pid}_${made}`;
  const template = from === 'template' ? services.template : 'template0';
  await connected(services.adminUrl, (client) =>
    client.query(`create database ${client.escapeIdentifier(name)} template ${client.escapeIdentifier(template)}`),
  );
  return new TestDatabase(services, name);
}

/** One migrated database for all tests of the file; dropped after them, with a check that no session was leaked. */
export function useDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(async () => {
    await database?.close();
  });
  return () => {
    if (database === undefined) throw new Error('the database is there inside tests and hooks only');
    return database;
  };
}
