import type { BenchDatabase } from './bench-database.ts';

/** How skewed: a tenant's share falls with its rank to this power. */
const SKEW = 0.9;

/** Gives tenants as many memories in all, the first most: by Zipf's law. Some have not been touched for long, some lately. */
export async function zipfMemories(
  database: BenchDatabase,
  tenants: readonly string[],
  memories: number,
): Promise<void> {
  const shares = tenants.map((_tenant, rank) => 1 / (rank + 1) ** SKEW);
  const sum = shares.reduce((all, share) => all + share, 0);
  let left = memories;
  const counts = shares.map((share) => {
    const count = Math.min(left, Math.max(1, Math.round((memories * share) / sum)));
    left -= count;
    return count;
  });
  counts[0] = (counts[0] ?? 0) + left;
  await fill(database, tenants, counts);
}

/** Gives each tenant as many memories. */
export async function evenMemories(database: BenchDatabase, tenants: readonly string[], each: number): Promise<void> {
  await fill(
    database,
    tenants,
    tenants.map(() => each),
  );
}

async function fill(database: BenchDatabase, tenants: readonly string[], counts: readonly number[]): Promise<void> {
  await quickly(
    database,
    `insert into public.memories (tenant_id, content, importance, layer, tags, created_at, last_accessed_at, content_hash)
       select t.tenant_id, repeat(md5(t.tenant_id::text || n), 6), 0.2 + 0.8 * random(),
              (array['sensory', 'working', 'episodic', 'semantic', 'reflective'])[1 + n % 5], array['bench'],
              now() - interval '1 hour' - random() * interval '400 days', now() - random() * interval '60 days', null
         from unnest($1::uuid[], $2::int[]) t (tenant_id, count), generate_series(1, t.count) n`,
    [tenants, counts],
  );
  await database.sql('vacuum analyze public.memories');
  await database.sql('checkpoint');
}

/** Sends a statement without the triggers of its tables: so a million rows are there at once. */
export async function quickly(database: BenchDatabase, text: string, values: readonly unknown[] = []): Promise<void> {
  await database.alone(async (sql) => {
    await sql("set session_replication_role = 'replica'");
    await sql(text, values);
    await sql('reset session_replication_role');
  });
}

/** As many tenants that the named workers know, on the default cadence of each; `due` of a hundred have something to do. */
export async function registered(
  database: BenchDatabase,
  tenants: number,
  workers: Readonly<Record<string, string>>,
  due: number,
): Promise<void> {
  await quickly(
    database,
    `insert into public.tenants (tenant_id, name, plan)
       select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'bench ' || n, 'pro' from generate_series(1, $1::int) n`,
    [tenants],
  );
  for (const [worker, cron] of Object.entries(workers)) {
    await database.sql(
      `insert into public.cadences (worker, cron, time_zone, next_at) values ($1, $2, 'UTC', now() + interval '20 days')
       on conflict do nothing`,
      [worker, cron],
    );
    await quickly(
      database,
      `insert into public.tenant_cadences (tenant_id, worker, cadence_id, idle)
         select t.tenant_id, $1, c.cadence_id, true from public.tenants t, public.cadences c where c.worker = $1 order by t.tenant_id`,
      [worker],
    );
  }
  await wake(database, 'decay', due);
  await database.sql('vacuum analyze public.tenants, public.tenant_cadences');
  await database.sql('checkpoint');
}

/** Of a hundred tenants `due` have something for the worker to do, and the others nothing. */
export async function wake(database: BenchDatabase, worker: string, due: number): Promise<void> {
  await quickly(
    database,
    `update public.tenant_cadences set idle = false where worker = $1 and idle
        and ('x' || right(tenant_id::text, 8))::bit(32)::bigint % 100 < $2::int`,
    [worker, due],
  );
}

/** The default cadence of the workers that a fleet has. */
export const CADENCES: Readonly<Record<string, string>> = { decay: '0 2 * * *', 'retention-purge': '0 1 * * *' };

/** Has the tenants enrolled by hand, as a scheduler would do by their hints. */
export async function enrolled(database: BenchDatabase, tenants: readonly string[], worker: string): Promise<void> {
  await database.sql(
    `with c as (insert into public.cadences (worker, cron, time_zone, next_at) values ($1, $2, 'UTC', now() + interval '20 days')
       on conflict (worker, cron, time_zone) do update set next_at = excluded.next_at returning cadence_id)
     insert into public.tenant_cadences (tenant_id, worker, cadence_id)
       select t, $1, c.cadence_id from unnest($3::uuid[]) t, c`,
    [worker, CADENCES[worker], tenants],
  );
}

/** The slot of so many days ago at two in the morning. */
export function slotOf(daysAgo: number): string {
  const day = new Date();
  day.setUTCDate(day.getUTCDate() - daysAgo);
  return `${day.toISOString().slice(0, 10)}T02:00:00Z`;
}
