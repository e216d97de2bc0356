import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchDatabase } from '../bench-database.ts';
import { cpuOf } from '../cpu.ts';
import { CADENCES, registered, slotOf, wake } from '../estate.ts';
import type { BenchProcess } from '../process.ts';
import { paired, type Row } from '../row.ts';
import type { Stage } from '../stage.ts';

/** The workers of the bench know these tenants too, but have no schedule. */
const WORKERS: Readonly<Record<string, string>> = { decay: CADENCES.decay ?? '' };

/** Other workers' tenants would all be enrolled anew when a scheduler starts: here they are known, and follow nothing. */
async function knownToAll(database: BenchDatabase): Promise<void> {
  await database.sql(`insert into public.tenant_cadences (tenant_id, worker, cadence_id, idle)
    select t.tenant_id, w.name, null, true from unnest(array['touch', 'sleep-sql', 'sleep-code', 'retention-purge']) w (name), public.tenants t
     on conflict do nothing`);
}

/** Fan-out of every tenant's run of one slot. */
export const fanOut: Row = {
  id: 'fan-out',
  what: 'making the runs of a slot owed for every tenant',
  against: 'an insert of as many rows into a table without index, check or trigger',
  unit: 's',
  bar: { of: 'ratio', atMost: 5 },
  async measure(stage, repeats) {
    const tenants = stage.size(1_000_000, 100_000);
    return await stage.with(async (database) => {
      await registered(database, tenants, WORKERS, 100);
      let day = 40;
      const plan = async (): Promise<number> => {
        day -= 1;
        await database.command(['cycle', 'run', 'decay', '--at', slotOf(day)]);
        const { at } = await database.now();
        const seconds = await database.number(
          "select date_part('epoch', $1::timestamptz - max(planned_at)) from public.cycles",
          [at],
        );
        const made = await database.number('select count(*) from public.runs where slot = $1::timestamptz', [
          slotOf(day),
        ]);
        if (made !== tenants) throw new Error(`${made} of ${tenants} runs were made`);
        await database.sql('truncate public.runs');
        await database.sql('checkpoint');
        return seconds;
      };
      const heap = async (): Promise<number> => {
        await database.sql('create table public.bench_heap as select * from public.runs limit 0');
        const started = performance.now();
        await database.sql(`insert into public.bench_heap (tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses,
            available_at, created_at, epoch, lent)
          select tenant_id, gen_random_uuid(), 'decay', now(), 'slot', 'owed', 0, 0, 0, now(), now(), 0, false
            from public.tenant_cadences where worker = 'decay' and not idle`);
        const seconds = (performance.now() - started) / 1_000;
        await database.sql('drop table public.bench_heap');
        await database.sql('checkpoint');
        return seconds;
      };
      const pairs = await paired(repeats, plan, heap);
      const samples = pairs.map(([value, reference]) => ({ value, reference }));
      return {
        samples,
        notes: [`${tenants} due tenants, by \`rae cycle run\` from the record of the cycle to the end of the command`],
      };
    });
  },
};

/** Until the process has nothing to do: it has looked through its tenants. */
async function quiet(process: BenchProcess): Promise<void> {
  for (let looks = 0; looks < 120; looks += 1) {
    const before = cpuOf(process.pid);
    await pause(500);
    if (cpuOf(process.pid) - before < 60_000) return;
  }
}

/** A cycle from its planning to its last run's end, on a fleet that was started for it. */
async function cycle(
  database: BenchDatabase,
  day: number,
  due: number,
): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  const [scheduler, worker] = [await database.scheduler(), await database.worker(['decay'])];
  await quiet(scheduler);
  await wake(database, 'decay', due);
  await database.command(['cycle', 'run', 'decay', '--at', slotOf(day)]);
  await database.idle();
  const [end] = await database.sql<{ seconds: number; done: number }>(
    `select date_part('epoch', max(r.finished_at) - min(c.planned_at)) as seconds, count(*)::int as done from public.runs r
       join public.cycles c on c.worker = r.worker and c.slot = r.slot where r.slot = $1::timestamptz and r.state = 'done'`,
    [slotOf(day)],
  );
  if ((end?.done ?? 0) === 0) throw new Error('no run of the cycle was done');
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${scheduler.pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024;
  await Promise.all([scheduler.stop(), worker.stop()]);
  await database.sql('vacuum public.runs, public.tenant_cadences');
  await database.sql('checkpoint');
  return { seconds: end?.seconds ?? Number.NaN, megabytes: peak / 1e6 };
}

type Both = readonly (readonly [
  { readonly seconds: number; readonly megabytes: number },
  { readonly seconds: number },
])[];
let measured: Promise<Both> | undefined;

async function both(stage: Stage, repeats: number): Promise<Both> {
  const [many, few] = [stage.size(1_000_000, 100_000), stage.size(10_000, 1_000)];
  return await stage.with(async (large) => {
    await registered(large, many, WORKERS, 0);
    await knownToAll(large);
    return await stage.beside(async (small) => {
      await registered(small, few, WORKERS, 0);
      await knownToAll(small);
      let day = 40;
      const next = () => {
        day -= 1;
        return day;
      };
      return await paired(
        repeats,
        () => cycle(large, next(), 1),
        () => cycle(small, next(), 100),
      );
    });
  });
}

/** What a million tenants cost when few have anything to do. */
export const idleTenants: readonly Row[] = [
  {
    id: 'idle-cycle',
    what: 'a cycle over a million tenants of which 1 % are due',
    against: 'a cycle of 10,000 tenants that are all due',
    unit: 's',
    bar: { of: 'ratio', atMost: 2 },
    async measure(stage, repeats) {
      measured ??= both(stage, repeats);
      return {
        samples: (await measured).map(([large, small]) => ({ value: large.seconds, reference: small.seconds })),
      };
    },
  },
  {
    id: 'scheduler-memory',
    what: 'most memory that a scheduler had, with a million tenants registered of which 1 % are due, over one cycle',
    against: '',
    unit: 'MB',
    bar: { of: 'value', atMost: 300 },
    async measure(stage, repeats) {
      measured ??= both(stage, repeats);
      return { samples: (await measured).map(([large]) => ({ value: large.megabytes })) };
    },
  },
];
