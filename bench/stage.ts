import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Database } from '../src/db/database.ts';
import { migrate } from '../src/db/migrate.ts';
import { eraseServices } from '../src/embedded/fresh.ts';
import { resolveServices, type Services } from '../src/embedded/services.ts';
import { fleetSchema } from '../src/main/schema.ts';
import { type Redis, redisConnection } from '../src/redis/connection.ts';
import { loadCatalogue } from '../workers/index.ts';
import { BenchDatabase } from './bench-database.ts';
import { killAll } from './process.ts';

const ROLES = ['scheduler', 'worker', 'api', 'operator'] as const;
const TEMPLATE = 'bench_template';

/** The least effect there is: one row in a table under row security like every table with a tenant. */
const EFFECTS = `create table public.bench_effects (tenant_id uuid not null, made_at timestamptz not null);
call public.rae_guard_table('public.bench_effects', false);
grant select, insert on public.bench_effects to rae_worker;
create function public.bench_touch(tenant uuid) returns int language plpgsql as $$
begin
  insert into public.bench_effects (tenant_id, made_at) values (tenant, clock_timestamp());
  return 1;
end
$$`;

/** Postgres and Redis of the bench, started as `rae up` starts them: data is kept, and flushed at every commit. */
export class Stage {
  /** Smaller sizes, for a look: figures that say little. */
  readonly quick: boolean;
  readonly #services: Services;
  readonly #password: string;
  readonly redis: Redis;
  readonly redisPid: number;
  readonly postgresPid: number;
  #made = 0;

  private constructor(
    quick: boolean,
    services: Services,
    password: string,
    redis: Redis,
    pids: readonly [number, number],
  ) {
    this.quick = quick;
    this.#services = services;
    this.#password = password;
    this.redis = redis;
    [this.postgresPid, this.redisPid] = pids;
  }

  /** Starts the services and makes the database that every row gets a copy of. */
  static async open(folder: string, quick: boolean, say: (line: string) => void): Promise<Stage> {
    const dataDir = join(folder, 'data');
    await eraseServices(dataDir, say);
    const services = await resolveServices({ dataDir, purpose: 'keep', env: process.env, say });
    const redis = redisConnection(services.redis.url, 'producer');
    await redis.connect();
    const password = randomBytes(12).toString('hex');
    const url = services.postgres.url;
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query(`create database ${TEMPLATE} template template0`);
    await prepared(urlOf(url, TEMPLATE));
    for (const role of ROLES) {
      await admin.query(`create role bench_${role} login inherit password '${password}' in role rae_${role}`);
    }
    const { rows } = await admin.query<{ text: string }>("select pg_read_file('postmaster.pid') as text");
    await admin.end();
    const redisPid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
    return new Stage(quick, services, password, redis, [Number(rows[0]?.text.split('\n')[0]), redisPid]);
  }

  /** The compiled `rae`. */
  get program(): string {
    return PROGRAM;
  }

  /** `full`, or in a quick run `small`. */
  size(full: number, small: number): number {
    return this.quick ? small : full;
  }

  get versions(): Readonly<Record<'postgres' | 'redis', string>> {
    return { postgres: this.#services.postgres.version, redis: this.#services.redis.version };
  }

  get redisUrl(): string {
    return this.#services.redis.url;
  }

  /** A new migrated database and an empty Redis for the time of `work`. */
  async with<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T> {
    await this.redis.flushall();
    return await this.beside(work).finally(killAll);
  }

  /** A second database, while there is one; their fleets must not run at the same time. */
  async beside<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T> {
    this.#made += 1;
    const name = `bench_${this.#made}`;
    const server = new pg.Client({ connectionString: this.#services.postgres.url });
    // The server may be ended meanwhile, by Ctrl-C: what waits for an answer reports that.
    server.on('error', () => undefined);
    await server.connect();
    await server.query(`create database ${name} template ${TEMPLATE}`);
    const urls = (role?: string) => urlOf(this.#services.postgres.url, name, role, this.#password);
    const database = new BenchDatabase(this, urls);
    try {
      return await work(database);
    } finally {
      await killAll();
      await database.close();
      await server.query(`drop database ${name} with (force)`);
      await server.end();
    }
  }

  async close(): Promise<void> {
    await killAll();
    this.redis.disconnect();
    await this.#services.stop();
  }
}

/** The compiled `rae` with the bench's own workers in it. */
const PROGRAM = fileURLToPath(new URL('../src/main/rae.js', import.meta.url));

async function prepared(url: string): Promise<void> {
  const database = new Database({ url, applicationName: 'bench', poolSize: 1, statementTimeoutMs: 0, prepared: false });
  await migrate(database, fleetSchema(await loadCatalogue()));
  await database.close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(EFFECTS);
  await client.end();
}

function urlOf(base: string, database: string, role?: string, password?: string): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  if (role !== undefined) {
    url.username = `bench_${role}`;
    url.password = password ?? '';
  }
  return url.href;
}
