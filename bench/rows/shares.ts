import type { BenchDatabase } from '../bench-database.ts';
import type { Row } from '../row.ts';

const WEIGHTS = [3, 2, 1];
const DISPATCHES = 3_000;

/** What of the runs that started is one tenant's, by the time that they took in their worker, against what its weight gives it; the worst tenant, in points. */
async function shareError(database: BenchDatabase, tenants: readonly string[], since: string): Promise<number> {
  const rows = await database.sql<{ tenant: string; ms: number }>(
    `select tenant_id::text as tenant, sum(date_part('epoch', finished_at - started_at) * 1000) as ms from (
       select tenant_id, started_at, finished_at from public.runs
        where started_at is not null and created_at >= $1::timestamptz order by started_at offset $2::int limit $3::int) r group by 1`,
    [since, DISPATCHES / 10, DISPATCHES],
  );
  const total = rows.reduce((sum, { ms }) => sum + ms, 0);
  const weights = WEIGHTS.reduce((sum, weight) => sum + weight, 0);
  const errors = tenants.map((tenant, nth) => {
    const share = (rows.find((row) => row.tenant === tenant)?.ms ?? 0) / total;
    return Math.abs(share - (WEIGHTS[nth] ?? 0) / weights) * 100;
  });
  return Math.max(...errors);
}

function rowOf(id: string, says: string, ms: readonly number[]): Row {
  return {
    id,
    what: `share of worker time with weights 3:2:1, ${says}: error of the worst tenant`,
    against: '',
    unit: 'points',
    bar: { of: 'value', atMost: 1.5 },
    async measure(stage, repeats) {
      return await stage.with(async (database) => {
        const tenants: string[] = [];
        for (const weight of WEIGHTS) tenants.push(...(await database.tenants(1, 'pro', { weight })));
        // Beyond what its weight gives it: a cap is another promise.
        await database.sql('update public.tenants set run_cap = 100');
        await database.history();
        await database.scheduler();
        await database.worker(['sleep-code'], { RAE_CONCURRENCY: '50' });
        const samples = [];
        for (let repeat = 0; repeat < repeats; repeat += 1) {
          const { at } = await database.now();
          await database.sql(
            `insert into public.runs (tenant_id, worker, origin, payload)
               select t.id, 'sleep-code', 'request', jsonb_build_object('ms', t.ms)
                 from unnest($1::uuid[], $2::float8[]) t (id, ms), generate_series(1, 5000)`,
            [tenants, ms],
          );
          await database.until(
            'select count(*) >= $1::int as ok from public.runs where started_at is not null and created_at >= $2::timestamptz',
            'the dispatches',
            120,
            [Math.ceil(DISPATCHES * 1.1) + 100, at],
          );
          await database.sql("delete from public.runs where state = 'owed'");
          await database.idle();
          const value = await shareError(database, tenants, at);
          samples.push({ value });
        }
        return { samples, notes: [`${DISPATCHES} dispatches, the first tenth of as many left out`] };
      });
    },
  };
}

/** Whether tenants get what their weights give them. */
export const shares: readonly Row[] = [
  rowOf('share-equal', 'runs of 20 ms each', [20, 20, 20]),
  rowOf('share-costs', 'runs of 40, 10 and 10 ms', [40, 10, 10]),
];
