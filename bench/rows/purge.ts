import type { BenchDatabase } from '../bench-database.ts';
import { enrolled, quickly } from '../estate.ts';
import { paired, type Row } from '../row.ts';

/** Fills in the half that is to go: episodic memories of 100 to 300 days. The other half is younger and stays. */
const OLD = `insert into public.memories (tenant_id, content, importance, layer, created_at, last_accessed_at)
  select t.tenant_id, repeat(md5(t.tenant_id::text || n), 6), 0.5, 'episodic',
         now() - interval '100 days' - n % 200 * interval '1 day', now()
    from unnest($1::uuid[], $2::int[]) t (tenant_id, count), generate_series(1, t.count) n`;
const YOUNG = OLD.replace("interval '100 days' - n % 200", "interval '1 day' - n % 80");

function counts(tenants: number, memories: number): readonly number[] {
  const shares = Array.from({ length: tenants }, (_none, rank) => 1 / (rank + 1) ** 0.9);
  const sum = shares.reduce((all, share) => all + share, 0);
  return shares.map((share) => Math.max(1, Math.round((memories * share) / sum)));
}

async function tidied(database: BenchDatabase): Promise<void> {
  await database.sql('vacuum analyze public.memories');
  await database.sql('checkpoint');
}

async function left(database: BenchDatabase): Promise<void> {
  const old = await database.number(
    `select count(*) from public.memories where created_at < now() - interval '90 days'`,
  );
  if (old !== 0) throw new Error(`${old} memories should have gone`);
}

/** A purge of half of all memories. */
export const purge: Row = {
  id: 'purge',
  what: 'a cycle of retention-purge that removes half of all memories, with its certificates',
  against: 'one DELETE of the same by a superuser',
  unit: 's',
  bar: { of: 'ratio', atMost: 2 },
  async measure(stage, repeats) {
    const memories = stage.size(1_000_000, 100_000);
    return await stage.with(async (database) => {
      const tenants = await database.tenants(2_000);
      const each = counts(2_000, memories / 2);
      await quickly(database, YOUNG, [tenants, each]);
      await enrolled(database, tenants, 'retention-purge');
      await database.scheduler();
      await database.worker(['retention-purge']);
      let minute = 120;
      const fleet = async (): Promise<number> => {
        await quickly(database, OLD, [tenants, each]);
        await tidied(database);
        minute -= 1;
        const slot = new Date(Date.now() - minute * 60_000).toISOString().replace(/:\d\d\.\d+Z$/, ':00Z');
        await database.sql("update public.tenant_cadences set idle = false where worker = 'retention-purge' and idle");
        await database.command(['cycle', 'run', 'retention-purge', '--at', slot]);
        await database.idle();
        const seconds = await database.number(
          `select date_part('epoch', max(r.finished_at) - min(c.planned_at)) from public.runs r
             join public.cycles c on c.worker = r.worker and c.slot = r.slot where r.slot = $1::timestamptz`,
          [slot],
        );
        await left(database);
        return seconds;
      };
      const single = async (): Promise<number> => {
        await quickly(database, OLD, [tenants, each]);
        await tidied(database);
        const started = performance.now();
        await database.sql(
          `delete from public.memories where layer = 'episodic' and created_at < now() - interval '90 days'`,
        );
        const seconds = (performance.now() - started) / 1_000;
        await left(database);
        return seconds;
      };
      const pairs = await paired(repeats, fleet, single);
      const samples = pairs.map(([value, reference]) => ({ value, reference }));
      return { samples, notes: [`half of ${memories} memories of 2,000 tenants by Zipf's law`] };
    });
  },
};
