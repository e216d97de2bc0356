import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { BenchProcess } from './process.ts';
import { PROGRAM, type Stage } from './stage.ts';

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
    return await this.#rae('worker', ['worker', ...names], 'worker', env);
  }

  /** A program of the bench's own: a peer. Told where the services are and what it is to do. */
  async peer(name: string, task: object, role: 'scheduler' | 'worker' | 'admin' = 'worker'): Promise<BenchProcess> {
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

  /** Nothing is owed or in work any more. @throws what a run failed with. */
  async idle(): Promise<void> {
    const failed = 'select error from public.runs where error is not null limit 1';
    await this.until(`select (select not exists (select from public.runs where finished_at is null)) or exists (${failed}) as ok`, 'every run to end', 600);
    const [run] = await this.sql<{ error: string }>(failed);
    if (run !== undefined) throw new Error(`a run failed: ${run.error}`);
  }

  /** Looks again until the statement says true. @throws after so many seconds. */
  async until(text: string, what: string, seconds = 60, values: readonly unknown[] = []): Promise<void> {
    for (const end = performance.now() + seconds * 1_000; ; await pause(50)) {
      const [row] = await this.sql(text, values);
      if (Object.values(row ?? {})[0] === true) return;
      if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    }
  }

  /** Forgets every run and effect; the fleet must be at rest. */
  async clear(): Promise<void> {
    await this.sql('truncate public.runs, public.flights, public.arrivals, public.cycles, public.bench_effects');
    await this.sql('checkpoint');
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #rae(
    name: string,
    args: readonly string[],
    role: 'scheduler' | 'worker',
    env: Readonly<Record<string, string>>,
  ): Promise<BenchProcess> {
    const settings = { ...SETTINGS, RAE_DATABASE_URL: this.#urls(role), RAE_REDIS_URL: this.stage.redisUrl, ...env };
    return await new BenchProcess(name, [PROGRAM, ...args], settings).ready();
  }
}
