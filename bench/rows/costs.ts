import type { BenchDatabase } from '../bench-database.ts';
import { type CpuUse, cpuSince } from '../cpu.ts';
import { quickly } from '../estate.ts';
import { paired, type Row, type Sample } from '../row.ts';
import type { Stage } from '../stage.ts';

const TENANTS = 1_000;

/** Calls from number $2 on, up to $3, of each tenant: over thirty days, one in twenty of an earlier time than those before it. */
const LOGS = `insert into public.cost_logs (tenant_id, project_id, model, provider, operation, input_tokens, output_tokens,
    input_cost_per_million, output_cost_per_million, total_cost_usd, cache_hit, cache_tokens_saved, error, "timestamp")
  select t.id, (array['default', 'atlas'])[1 + n % 2], m.model, m.provider, (array['query', 'embed', 'reflection'])[1 + n / 2 % 3],
         100 + n % 4000, n % 700, 2.5, 10, ((100 + n % 4000) * 2.5 + n % 700 * 10) / 1000000, n % 10 = 0, case when n % 10 = 0 then 90 else 0 end, n % 50 = 0,
         date_trunc('day', now()) - interval '31 days' + (case when n % 20 = 7 then n * 0.4 else n end) * interval '30 days' / $4::int
    from generate_series($2::int, $3::int) n, unnest($1::uuid[]) t (id),
         lateral (select (array['gpt-4o', 'gpt-4o-mini', 'claude-3-5-sonnet', 'text-embedding-3-small'])[1 + n / 6 % 4] as model,
                         (array['openai', 'openai', 'anthropic', 'openai'])[1 + n / 6 % 4] as provider) m
   order by n, t.id`;

/** What the logs' own trigger writes where each call is a statement of its own: one change per call. */
const CHANGES = `insert into public.cost_deltas (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls,
    input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
  select tenant_id, date_trunc('hour', "timestamp", 'UTC'), project_id, provider, model, operation, 1, error::int, 0, input_tokens, output_tokens,
         round(total_cost_usd, 6), cache_hit::int, cache_tokens_saved, cache_saved_usd
    from public.cost_logs offset $1::int`;

const SUMS = `count(*) as calls, count(*) filter (where error) as errors, count(*) filter (where total_cost_usd is null) as unknown_calls,
  sum(input_tokens::bigint) as input_tokens, sum(output_tokens::bigint) as output_tokens, sum(round(total_cost_usd, 6)) as cost_usd,
  count(*) filter (where cache_hit) as cache_hits, sum(greatest(cache_tokens_saved, 0)::bigint) as tokens_saved, sum(cache_saved_usd) as saved_usd`;
const COLUMNS = `calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd`;
const ADDED = COLUMNS.split(', ').map((column) => `sum(${column})`);

/** The same sums by one statement of a superuser: read once, then by hour and day. */
const SINGLE = `with hourly as materialized (
    select tenant_id, date_trunc('hour', "timestamp", 'UTC') as hour, project_id as project, provider, model, operation, ${SUMS}
      from public.cost_logs group by 1, 2, 3, 4, 5, 6),
  by_hour as (insert into public.cost_rollups_hourly (tenant_id, hour, project, provider, model, operation, ${COLUMNS}) select * from hourly)
  insert into public.cost_rollups_daily (tenant_id, day, project, provider, model, operation, ${COLUMNS})
    select tenant_id, (hour at time zone 'UTC')::date, project, provider, model, operation, ${ADDED} from hourly group by 1, 2, 3, 4, 5, 6`;

const WRONG = `select count(*) from (
    select tenant_id, date_trunc('hour', "timestamp", 'UTC') as period, project_id, provider, model, operation, ${SUMS} from public.cost_logs group by 1, 2, 3, 4, 5, 6
    except select tenant_id, hour, project, provider, model, operation, ${COLUMNS} from public.cost_rollups_hourly) x`;

/** A database with tenants whose calls are logged and not yet added up, and the fleet on it. */
class Books {
  readonly #database: BenchDatabase;
  readonly #tenants: readonly string[];
  readonly #each: number;
  readonly #pids: Readonly<Record<string, number>>;
  #there = 0;

  private constructor(
    database: BenchDatabase,
    tenants: readonly string[],
    each: number,
    pids: Readonly<Record<string, number>>,
  ) {
    this.#database = database;
    this.#tenants = tenants;
    this.#each = each;
    this.#pids = pids;
  }

  static async open(database: BenchDatabase, stage: Stage, each: number): Promise<Books> {
    const tenants = await database.tenants(TENANTS);
    const scheduler = await database.scheduler();
    const worker = await database.worker(['cost-aggregation']);
    const pids = { worker: worker.pid, scheduler: scheduler.pid, postgres: stage.postgresPid, redis: stage.redisPid };
    const books = new Books(database, tenants, each, pids);
    // The runs that new tenants are owed anyway.
    await database.idle();
    await books.#log(1, each);
    return books;
  }

  get calls(): number {
    return TENANTS * this.#each;
  }

  /** Empties the sums; every call that was there at first waits to be added up. */
  async renewed(changes: boolean): Promise<void> {
    const database = this.#database;
    await database.sql('truncate public.cost_rollups_hourly, public.cost_rollups_daily');
    if (changes) await quickly(database, CHANGES, [0]);
    await this.#settled();
  }

  /** A hundredth more calls, of every tenant. */
  async more(): Promise<void> {
    const from = this.#there;
    await this.#log(from / TENANTS + 1, from / TENANTS + this.#each / 100);
    await quickly(this.#database, CHANGES, [from]);
    await this.#settled();
  }

  /** Has the fleet add up what waits. @returns from when its runs might begin to the end of the last, in s */
  async added(): Promise<{ readonly seconds: number; readonly cpu: CpuUse }> {
    const database = this.#database;
    const { at } = await database.now();
    const used = cpuSince(this.#pids);
    await database.sql("insert into public.due_hints (tenant_id, kind) select unnest($1::uuid[]), 'cost_log'", [
      this.#tenants,
    ]);
    await database.until('select not exists (select from public.cost_deltas)', 'every call to be added up', 300);
    await database.idle();
    const cpu = used(TENANTS);
    const seconds = await database.number(
      `select date_part('epoch', max(finished_at) - min(available_at)) from public.runs
        where worker = 'cost-aggregation' and created_at > $1::timestamptz`,
      [at],
    );
    const wrong = await database.number(WRONG);
    if (wrong !== 0) throw new Error(`${wrong} sums are not those of the logs`);
    return { seconds, cpu };
  }

  /** The reference. @returns s */
  async single(): Promise<number> {
    const started = performance.now();
    await this.#database.sql(SINGLE);
    return (performance.now() - started) / 1_000;
  }

  async #log(from: number, to: number): Promise<void> {
    await quickly(this.#database, LOGS, [this.#tenants, from, to, this.#each]);
    this.#there = TENANTS * to;
  }

  async #settled(): Promise<void> {
    const tables = ['logs', 'deltas', 'rollups_hourly', 'rollups_daily'];
    await this.#database.sql(`vacuum analyze ${tables.map((table) => `public.cost_${table}`).join(', ')}`);
    await this.#database.sql('checkpoint');
  }
}

/** The first aggregation, and one of a hundredth more. */
export const costs: readonly Row[] = [
  {
    id: 'costs-first',
    what: 'adding up calls of 1,000 tenants that were logged one by one, through the whole fleet',
    against: 'one INSERT … SELECT … GROUP BY of the same sums by a superuser',
    unit: 's',
    bar: { of: 'ratio', atMost: 1.5 },
    async measure(stage, repeats) {
      return await stage.with(async (database) => {
        const books = await Books.open(database, stage, stage.size(1_000, 200));
        const fleet = async () => {
          await books.renewed(true);
          return await books.added();
        };
        const single = async () => {
          await books.renewed(false);
          return await books.single();
        };
        const pairs = await paired(repeats, fleet, single);
        const samples = pairs.map(([{ seconds, cpu }, reference]): Sample => ({ value: seconds, reference, cpu }));
        return { samples, notes: [`${books.calls} calls over thirty days, one in twenty late`] };
      });
    },
  },
  {
    id: 'costs-again',
    what: 'adding up a hundredth more calls, spread over all 1,000 tenants',
    against: 'the first aggregation',
    unit: 's',
    bar: { of: 'ratio', atMost: 0.03 },
    because:
      'each tenant is a run of its own: of the 7 ms of CPU that it takes in all processes adding up 10 calls is one, and a first run of 1,000 calls takes 70',
    async measure(stage, repeats) {
      return await stage.with(async (database) => {
        const books = await Books.open(database, stage, stage.size(1_000, 200));
        await books.renewed(true);
        const first = await books.added();
        const samples: Sample[] = [];
        for (let repeat = 0; repeat < repeats; repeat += 1) {
          await books.more();
          const { seconds, cpu } = await books.added();
          samples.push({ value: seconds, reference: first.seconds, cpu, referenceCpu: first.cpu });
        }
        return { samples, notes: [`${books.calls} calls at first, one reference for all repeats`] };
      });
    },
  },
];
