import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { digestOf, mintKey } from '../src/access/api-key.ts';
import { loadCatalogue } from '../workers/index.ts';
import { BenchProcess } from './process.ts';
import type { Stage } from './stage.ts';

const SETTINGS: Readonly<Record<string, string>> = {
  RAE_LOG_LEVEL: 'error',
  RAE_LOG_FORMAT: 'json',
  RAE_METRICS_PORT: '0',
};

/** A database of one row, the fleet on it, and a superuser's view of it. */
export class BenchDatabase {
  readonly stage: Stage;
  readonly #urls: (role?: string) => string;
  readonly #pool: pg.Pool;
  readonly #workers = new Set<string>();

  constructor(stage: Stage, urls: (role?: string) => string) {
    this.stage = stage;
    this.#urls = urls;
    this.#pool = new pg.Pool({ connectionString: urls(), max: 4 });
    this.#pool.on('error', () => undefined);
  }

  url(role?: 'scheduler' | 'worker' | 'api' | 'operator'): string {
    return this.#urls(role);
  }

  /** Sends a statement as the superuser, whom row security does not bind. */
  async sql<R extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<R[]> {
    return (await this.#pool.query<R>(text, [...values])).rows;
  }

  /** Several statements on one session. */
  async alone<T>(
    work: (sql: (text: string, values?: readonly unknown[]) => Promise<unknown>) => Promise<T>,
  ): Promise<T> {
    const client = await this.#pool.connect();
    try {
      return await work((text, values = []) => client.query(text, [...values]));
    } finally {
      client.release();
    }
  }

  /** How much log was written since. */
  async walSince(lsn: string): Promise<number> {
    return await this.number('select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)', [lsn]);
  }

  /** Where the log stands, and the server's clock. */
  async now(): Promise<{ readonly lsn: string; readonly at: string }> {
    const [row] = await this.sql<{ lsn: string; at: string }>(
      'select pg_current_wal_insert_lsn()::text as lsn, clock_timestamp()::text as at',
    );
    return { lsn: row?.lsn ?? '', at: row?.at ?? '' };
  }

  /** The number that a statement gives. */
  async number(text: string, values: readonly unknown[] = []): Promise<number> {
    const [row] = await this.sql(text, values);
    return Number(Object.values(row ?? {})[0]);
  }

  /** A scheduler, as an operator would start it. */
  async scheduler(env: Readonly<Record<string, string>> = {}): Promise<BenchProcess> {
    return await this.#rae('scheduler', ['scheduler'], 'scheduler', env);
  }

  /** A process of workers. */
  async worker(names: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<BenchProcess> {
    for (const name of names) this.#workers.add(name);
    return await this.#rae('worker', ['worker', ...names], 'worker', env);
  }

  /** An API server on a port of its own. */
  async api(port: number, env: Readonly<Record<string, string>> = {}): Promise<BenchProcess> {
    return await this.#rae('api', ['api'], 'api', { RAE_HTTP_PORT: String(port), ...env });
  }

  /** A key of the tenant's admin, who may ask for as much as they like. */
  async adminKey(tenant: string): Promise<string> {
    const { keyId, text } = mintKey(tenant);
    await this.sql(
      `insert into public.api_keys (tenant_id, key_id, name, role, digest, created_by) values ($1, $2, 'bench', 'tenant_admin', $3, 'bench')`,
      [tenant, keyId, digestOf(text)],
    );
    await this.sql(
      `insert into public.quotas (tenant_id, quota, value)
         select $1, q, null from unnest(array['max_api_calls_per_minute', 'max_enqueues_per_minute', 'max_backlog']) q`,
      [tenant],
    );
    return text;
  }

  /** Runs a command to its end, as an operator does. @returns how long it took from start to end of its process, in seconds. */
  async command(args: readonly string[], role: 'operator' | 'admin' = 'operator'): Promise<number> {
    const started = performance.now();
    const settings = {
      RAE_LOG_LEVEL: 'error',
      RAE_DATABASE_URL: this.#urls(role === 'admin' ? undefined : role),
      RAE_REDIS_URL: this.stage.redisUrl,
    };
    await new BenchProcess(`rae ${args[0]} ${args[1]}`, [this.stage.program, ...args], settings).ended();
    return (performance.now() - started) / 1_000;
  }

  /** A program of the bench's own: a peer. Told where the services are and what it is to do. */
  async peer(
    name: string,
    task: object,
    role: 'scheduler' | 'worker' | 'api' | 'admin' = 'worker',
  ): Promise<BenchProcess> {
    const program = fileURLToPath(new URL(`./peers/${name}.js`, import.meta.url));
    const env = {
      BENCH_DATABASE: this.#urls(role === 'admin' ? undefined : role),
      BENCH_REDIS: this.stage.redisUrl,
      BENCH_TASK: JSON.stringify(task),
    };
    return await new BenchProcess(name, [program], env).ready();
  }

  /** Makes tenants of one plan, many at once, and says nothing to the scheduler of each. */
  async tenants(count: number, plan = 'pro', change: { readonly weight?: number } = {}): Promise<readonly string[]> {
    const rows = await this.sql<{ tenant_id: string }>(
      `with made as (insert into public.tenants (name, plan, weight)
         select 'bench ' || n, $2, $3 from generate_series(1, $1::int) n returning tenant_id)
       select tenant_id from made`,
      [count, plan, change.weight ?? null],
    );
    await this.sql('delete from public.due_hints');
    return rows.map(({ tenant_id: id }) => id);
  }

  /** Nothing is owed or in work any more of the workers that were started here. @throws what a run failed with. */
  async idle(): Promise<void> {
    // Looks at the index of what has not ended; the search for failures reads everything, so it comes seldom. New tenants are
    // owed runs of every worker that arrivals wake, also of those that have no process here.
    const open = 'select exists (select from public.runs where finished_at is null and worker = any ($1)) as open';
    for (let looks = 1; ; looks += 1) {
      const [{ open: isOpen } = { open: true }] = await this.sql<{ open: boolean }>(open, [[...this.#workers]]);
      if (!isOpen || looks % 50 === 0) {
        const [run] = await this.sql<{ error: string }>(
          'select error from public.runs where error is not null limit 1',
        );
        if (run !== undefined) throw new Error(`a run failed: ${run.error}`);
      }
      if (!isOpen) return;
      if (looks > 6_000) throw new Error('waited 10 minutes for every run to end');
      await pause(100);
    }
  }

  /** Looks again until the statement says true. @throws after so many seconds. */
  async until(text: string, what: string, seconds = 60, values: readonly unknown[] = []): Promise<void> {
    for (const end = performance.now() + seconds * 1_000; ; await pause(50)) {
      const [row] = await this.sql(text, values);
      if (Object.values(row ?? {})[0] === true) return;
      if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    }
  }

  /**
   * Makes a ledger that has been used for a while: as many runs that are done, of tenants of their own. On an empty table
   * Postgres plans, and keeps, what is right for an empty table. And tenants that workers have known for a while: each new
   * one is owed a run of every worker that arrivals wake, and nobody here would take those.
   */
  async history(runs = 100_000): Promise<void> {
    const { all } = await loadCatalogue();
    const woken = all.filter(({ definition: { when } }) => when.wakes !== undefined).map(({ name }) => name);
    await this.sql(
      'insert into public.tenant_cadences (tenant_id, worker, idle) select t.tenant_id, w.name, true from public.tenants t, unnest($1::text[]) w (name)',
      [woken],
    );
    await this.sql(
      `insert into public.runs (tenant_id, worker, slot, origin, state, attempt, created_at, available_at, started_at, finished_at)
         select ('ffffffff-0000-4000-8000-' || lpad(to_hex(n % 1000), 12, '0'))::uuid, w.name, now() - n / 1000 * interval '1 day',
                'slot', 'done', 1, now() - n / 1000 * interval '1 day', now() - n / 1000 * interval '1 day', now(), now()
           from generate_series(1, $1::int / 4) n, unnest(array['touch', 'sleep-sql', 'sleep-code', 'decay']) w (name)`,
      [runs],
    );
    await this.sql('vacuum analyze public.runs');
    await this.sql('checkpoint');
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #rae(
    name: string,
    args: readonly string[],
    role: 'scheduler' | 'worker' | 'api',
    env: Readonly<Record<string, string>>,
  ): Promise<BenchProcess> {
    const settings = { ...SETTINGS, RAE_DATABASE_URL: this.#urls(role), RAE_REDIS_URL: this.stage.redisUrl, ...env };
    return await new BenchProcess(name, [this.stage.program, ...args], settings).ready();
  }
}
