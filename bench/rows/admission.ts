import type { BenchDatabase } from '../bench-database.ts';
import { residentOf } from '../cpu.ts';
import type { BenchProcess } from '../process.ts';
import type { Row, Sample } from '../row.ts';
import type { Stage } from '../stage.ts';

/** What one repeat saw. */
interface Seen {
  readonly msPer500: number;
  readonly megabytes: number;
  readonly apart: number;
  /** Runs admitted at once on average: what is left of a window that is full. */
  readonly batch: number;
}

/** Its log, one event a line: how many runs it admitted, and how long that took. */
function admissions(log: string): { readonly runs: number; readonly ms: number; readonly batch: number } {
  let [runs, ms, batches] = [0, 0, 0];
  for (const line of log.split('\n')) {
    if (!line.includes('"dispatch.admitted"')) continue;
    try {
      const event = JSON.parse(line) as { runs: number; ms: number };
      runs += event.runs;
      ms += event.ms;
      batches += 1;
    } catch {
      // The last line may be cut off.
    }
  }
  return { runs, ms, batch: runs / batches };
}

/** A scheduler that begins with the whole backlog, until a good part of it is admitted. */
async function begun(database: BenchDatabase, admit: number): Promise<Seen> {
  const { at } = await database.now();
  const scheduler: BenchProcess = await database.scheduler({ RAE_LOG_LEVEL: 'debug' });
  const counted = 'select count(*) >= $1::int as ok from public.runs where queued_at >= $2::timestamptz';
  await database.until(counted, 'the admissions', 300, [admit, at]);
  const megabytes = residentOf(scheduler.pid) / 1e6;
  const apart = await database.number(
    `select max(n) - min(n) from (select count(*) filter (where queued_at >= $1::timestamptz) as n from public.runs where worker = 'touch'
       and tenant_id in (select tenant_id from public.tenants) group by tenant_id) t`,
    [at],
  );
  await scheduler.stop();
  const { runs, ms, batch } = admissions(scheduler.said);
  await database.until(
    "select not exists (select from public.runs where state in ('queued', 'running')) as ok",
    'the tickets to end',
    120,
  );
  return { msPer500: (ms / runs) * 500, megabytes, apart, batch };
}

let measured: Promise<readonly Seen[]> | undefined;

async function all(stage: Stage, repeats: number): Promise<readonly Seen[]> {
  return await stage.with(async (database) => {
    const tenants = stage.size(100_000, 10_000);
    await database.tenants(tenants);
    await database.worker(['touch'], { RAE_PG_POOL: '100', RAE_CONCURRENCY: '200' });
    await database.sql(
      `insert into public.runs (tenant_id, worker, origin) select t.tenant_id, 'touch', 'request' from public.tenants t, generate_series(1, 10)`,
    );
    await database.sql('vacuum analyze public.runs');
    await database.sql('checkpoint');
    const seen: Seen[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) seen.push(await begun(database, tenants / 2));
    return seen;
  });
}

function rowOf(id: string, what: string, unit: string, atMost: number, of: (seen: Seen) => number): Row {
  return {
    id,
    what,
    against: '',
    unit,
    bar: { of: 'value', atMost },
    async measure(stage, repeats) {
      measured ??= all(stage, repeats);
      const seen = await measured;
      const samples = seen.map((one): Sample => ({ value: of(one) }));
      return {
        samples,
        notes: [
          `${Math.round(Math.max(...seen.map(({ batch }) => batch)))} runs admitted at once on average, at most`,
          `most runs that one tenant was ahead of another: ${Math.max(...seen.map(({ apart }) => apart))}`,
        ],
      };
    },
  };
}

/** Admission with 100,000 tenants that have ten runs owed each, on a fleet whose workers take them. */
export const admission: readonly Row[] = [
  rowOf(
    'admission',
    'admission of 500 runs, 100,000 tenants with ten owed each, while workers do them',
    'ms',
    8,
    ({ msPer500 }) => msPer500,
  ),
  rowOf(
    'dispatcher-memory',
    'memory of the dispatcher with 100,000 backlogged tenants',
    'MB',
    350,
    ({ megabytes }) => megabytes,
  ),
];
