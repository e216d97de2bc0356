import type { BenchDatabase } from './bench-database.ts';

/** Makes runs of one row, `runs` in all, the tenants in turn, in one transaction. @returns when it began, by the server's clock. */
export async function owe(database: BenchDatabase, runs: number): Promise<string> {
  const { at } = await database.now();
  await database.sql(
    `insert into public.runs (tenant_id, worker, origin)
       select t.tenant_id, 'touch', 'request' from public.tenants t, generate_series(1, $1::int / (select count(*)::int from public.tenants)) n
        order by n, t.tenant_id`,
    [runs],
  );
  return at;
}

/** How many runs a second were done, from the first insert to the last end; each had its one effect. */
export async function rateOf(database: BenchDatabase, runs: number, began: string): Promise<number> {
  await database.idle();
  const seconds = await database.number(
    `select date_part('epoch', max(finished_at) - $1::timestamptz) from public.runs where created_at >= $1::timestamptz`,
    [began],
  );
  const effects = await database.number('select count(*) from public.bench_effects where made_at >= $1::timestamptz', [
    began,
  ]);
  if (effects !== runs) throw new Error(`${runs} runs had ${effects} effects`);
  return runs / seconds;
}
