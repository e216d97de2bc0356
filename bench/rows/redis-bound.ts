import { setTimeout as pause } from 'node:timers/promises';
import type { BenchDatabase } from '../bench-database.ts';
import { paired, type Row } from '../row.ts';

/** Most memory that Redis used over three seconds while that much is owed, in MB. */
async function used(database: BenchDatabase, tenants: readonly string[], backlog: number): Promise<number> {
  await database.sql(
    `insert into public.runs (tenant_id, worker, origin, payload)
       select t, 'sleep-code', 'request', '{"ms":20}' from unnest($1::uuid[]) t, generate_series(1, $2::int)`,
    [tenants, backlog / tenants.length],
  );
  await pause(1_500);
  let most = 0;
  for (let looks = 0; looks < 30; looks += 1) {
    const info = await database.stage.redis.info('memory');
    most = Math.max(most, Number(/used_memory_dataset:(\d+)/.exec(info)?.[1]) / 1e6);
    await pause(100);
  }
  if ((await database.number("select count(*) from public.runs where state = 'owed'")) === 0)
    throw new Error('nothing was owed any more');
  await database.sql("delete from public.runs where state = 'owed'");
  await database.idle();
  await database.sql('vacuum public.runs');
  return most;
}

/** Redis holds what is admitted, however much is owed. */
export const redisBound: Row = {
  id: 'redis-bound',
  what: 'memory of what is in Redis while 500,000 runs are owed',
  against: 'the same while 10,000 are owed',
  unit: 'MB',
  bar: { of: 'ratio', atMost: 1.25 },
  async measure(stage, repeats) {
    const [much, little] = [stage.size(500_000, 100_000), 10_000];
    return await stage.with(async (database) => {
      const tenants = await database.tenants(1_000);
      await database.history();
      await database.scheduler();
      await database.worker(['sleep-code'], { RAE_CONCURRENCY: '50' });
      await used(database, tenants, little);
      const pairs = await paired(
        repeats,
        () => used(database, tenants, much),
        () => used(database, tenants, little),
      );
      return {
        samples: pairs.map(([value, reference]) => ({ value, reference })),
        notes: [`${much} against ${little} owed`],
      };
    });
  },
};
