import type { BenchDatabase } from '../bench-database.ts';
import { cpuSince } from '../cpu.ts';
import { enrolled, slotOf, zipfMemories } from '../estate.ts';
import { paired, type Row, type Sample } from '../row.ts';

/** What the worker writes, as one statement over every tenant; $1 = the instant of the date. */
const UPDATE = `update public.memories m
   set importance = greatest(0.01, m.importance * greatest(0, 1 - 0.01 * case
     when $1::timestamptz - coalesce(m.last_accessed_at, m.created_at) > interval '30 days'
       then 1 + date_part('epoch', $1::timestamptz - coalesce(m.last_accessed_at, m.created_at)) / 86400 / 30
     when $1::timestamptz - least(coalesce(m.last_accessed_at, m.created_at), $1::timestamptz) < interval '7 days' then 0.5
     else 1 end))
 where m.importance > 0.01 and (m.created_at at time zone 'UTC')::date <= ($1::timestamptz at time zone 'UTC')::date`;

/** Both figures of one side. */
interface Done {
  readonly seconds: number;
  readonly megabytes: number;
  readonly cpu?: Sample['cpu'];
}

async function tidied(database: BenchDatabase): Promise<void> {
  // No checkpoint: after one every page is written to the log as a whole once, whoever changes it first, and that is all that is seen.
  await database.sql('vacuum public.memories, public.runs, public.decay_marks');
}

async function cycle(
  database: BenchDatabase,
  slot: string,
  pids: Readonly<Record<string, number>>,
  tenants: number,
): Promise<Done> {
  const { lsn } = await database.now();
  const used = cpuSince(pids);
  await database.command(['cycle', 'run', 'decay', '--at', slot]);
  await database.idle();
  const megabytes = (await database.walSince(lsn)) / 1e6;
  const cpu = used(tenants);
  const [end] = await database.sql<{ done: number; seconds: number }>(
    `select count(*)::int as done, date_part('epoch', max(r.finished_at) - min(c.planned_at)) as seconds
       from public.runs r join public.cycles c on c.worker = r.worker and c.slot = r.slot
      where r.worker = 'decay' and r.slot = $1::timestamptz and r.state = 'done'`,
    [slot],
  );
  if (end?.done !== tenants) throw new Error(`${end?.done} of ${tenants} tenants were decayed`);
  await tidied(database);
  return { seconds: end.seconds, megabytes, cpu };
}

async function single(database: BenchDatabase, slot: string): Promise<Done> {
  const { lsn } = await database.now();
  const started = performance.now();
  await database.sql(UPDATE, [slot]);
  const seconds = (performance.now() - started) / 1_000;
  const megabytes = (await database.walSince(lsn)) / 1e6;
  await tidied(database);
  return { seconds, megabytes };
}

let measured: Promise<readonly (readonly [Done, Done])[]> | undefined;

/** Both rows come from the same repeats. */
async function both(
  database: BenchDatabase,
  memories: number,
  repeats: number,
): Promise<readonly (readonly [Done, Done])[]> {
  const tenants = await database.tenants(2_000);
  await zipfMemories(database, tenants, memories);
  await enrolled(database, tenants, 'decay');
  const [scheduler, worker] = [await database.scheduler(), await database.worker(['decay'])];
  const { postgresPid: postgres, redisPid: redis } = database.stage;
  const pids = { postgres, redis, scheduler: scheduler.pid, worker: worker.pid };
  let day = 60;
  const next = () => {
    day -= 1;
    return slotOf(day);
  };
  await cycle(database, next(), pids, 2_000);
  await single(database, next());
  return await paired(
    repeats,
    () => cycle(database, next(), pids, 2_000),
    () => single(database, next()),
  );
}

function rowOf(id: string, what: string, unit: string, atMost: number, of: (done: Done) => number): Row {
  return {
    id,
    what,
    against: 'one UPDATE of all of it by a superuser',
    unit,
    bar: { of: 'ratio', atMost },
    async measure(stage, repeats) {
      const memories = stage.size(1_000_000, 100_000);
      measured ??= stage.with((database) => both(database, memories, repeats));
      const pairs = await measured;
      const samples = pairs.map(
        ([own, other]): Sample => ({ value: of(own), reference: of(other), cpu: own.cpu ?? {} }),
      );
      return { samples, notes: [`${memories} memories of 2,000 tenants by Zipf's law; CPU time is per tenant`] };
    },
  };
}

/** A whole cycle of decay, from its planning to its last run's end. */
export const decayCycle: readonly Row[] = [
  rowOf('decay-time', 'a cycle of decay through the whole fleet: time', 's', 0.75, ({ seconds }) => seconds),
  rowOf('decay-wal', 'a cycle of decay through the whole fleet: log written', 'MB', 0.5, ({ megabytes }) => megabytes),
];
