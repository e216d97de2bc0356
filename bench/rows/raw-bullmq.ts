import type { BenchDatabase } from '../bench-database.ts';
import { cpuSince } from '../cpu.ts';
import { enrolled, evenMemories, slotOf } from '../estate.ts';
import { owe, rateOf } from '../owed.ts';
import type { BenchProcess } from '../process.ts';
import { type Bar, paired, type Row, type Sample } from '../row.ts';

/** What both sides do for a tenant in one transaction, without a ledger; $1 = tenant, $2 = day. */
const TOUCH = `create function public.bench_alone(tenant uuid, day timestamptz) returns int language plpgsql as $$
begin
  perform public.rae_enter_tenant(tenant);
  return public.bench_touch(tenant);
end
$$`;
const DECAY = (
  step: string,
) => `create function public.bench_alone(tenant uuid, day timestamptz) returns int language plpgsql as $$
declare
  decayed int;
begin
  perform public.rae_enter_tenant(tenant);
  select (s.counts ->> 'decayed')::int into decayed from public.${step}(tenant, array[day],
    '{"rate":0.01,"floor":0.01,"protected_days":7,"accelerated_days":30,"access_statistics":true,"layer_rates":{},"time_zone":"UTC","enabled":true}',
    '{"step_rows":5000}') s;
  return decayed;
end
$$`;

/** Plain BullMQ's two processes. */
interface Peer {
  readonly feeder: BenchProcess;
  readonly worker: BenchProcess;
}

async function peer(database: BenchDatabase): Promise<Peer> {
  const call = 'select public.bench_alone($1, $2)';
  return {
    worker: await database.peer('bullmq', { does: 'work', call }, 'worker'),
    feeder: await database.peer('bullmq', { does: 'feed', call }, 'worker'),
  };
}

const isDone = (message: unknown): message is { done: true } =>
  typeof message === 'object' && message !== null && 'done' in message;
const isExpecting = (message: unknown): message is { expecting: true } =>
  typeof message === 'object' && message !== null && 'expecting' in message;

/** Adds every tenant `times` times, and waits until all of it was done. @returns how many a second. */
async function through(
  { feeder, worker }: Peer,
  tenants: readonly string[],
  times: number,
  day: string | null,
): Promise<number> {
  const expecting = worker.hears(isExpecting);
  worker.send({ expect: tenants.length * times });
  await expecting;
  const done = worker.hears(isDone);
  const started = performance.now();
  feeder.send({ tenants, times, day });
  await done;
  return (tenants.length * times * 1_000) / (performance.now() - started);
}

async function peerSample(
  database: BenchDatabase,
  both: Peer,
  tenants: readonly string[],
  times: number,
  day: string | null,
): Promise<Sample> {
  const { postgresPid: postgres, redisPid: redis } = database.stage;
  const used = cpuSince({ postgres, redis, feeder: both.feeder.pid, worker: both.worker.pid });
  const value = await through(both, tenants, times, day);
  return { value, cpu: used(tenants.length * times) };
}

/** The processes of a fleet, for the CPU time that they use. */
function fleetCpu(
  { stage }: BenchDatabase,
  scheduler: BenchProcess,
  worker: BenchProcess,
): ReturnType<typeof cpuSince> {
  const { postgresPid: postgres, redisPid: redis } = stage;
  return cpuSince({ postgres, redis, scheduler: scheduler.pid, worker: worker.pid });
}

function joined(pairs: readonly (readonly [Sample, Sample])[]): readonly Sample[] {
  return pairs.map(([own, other]) => ({ ...own, reference: other.value, referenceCpu: other.cpu ?? {} }));
}

async function touches(database: BenchDatabase, runs: number, repeats: number): Promise<readonly Sample[]> {
  const tenants = await database.tenants(2_000);
  await database.sql(TOUCH);
  await database.history();
  const [scheduler, worker, other] = [
    await database.scheduler(),
    await database.worker(['touch']),
    await peer(database),
  ];
  const fleet = async (count: number): Promise<Sample> => {
    const used = fleetCpu(database, scheduler, worker);
    const value = await rateOf(database, count, await owe(database, count));
    return { value, cpu: used(count) };
  };
  const raw = (count: number) => peerSample(database, other, tenants, count / tenants.length, null);
  const tidy = async <T>(work: Promise<T>): Promise<T> => {
    const given = await work;
    await database.sql('vacuum public.runs');
    await database.sql('checkpoint');
    return given;
  };
  await tidy(fleet(10_000));
  await tidy(raw(10_000));
  return joined(
    await paired(
      repeats,
      () => tidy(fleet(runs)),
      () => tidy(raw(runs)),
    ),
  );
}

async function decays(database: BenchDatabase, runs: number, repeats: number): Promise<readonly Sample[]> {
  const tenants = await database.tenants(runs);
  await evenMemories(database, tenants, 20);
  await enrolled(database, tenants, 'decay');
  const [step] = await database.sql<{ name: string }>(
    "select proname as name from pg_proc where proname like 'rae_decay_step_%'",
  );
  await database.sql(DECAY(step?.name ?? ''));
  await database.history();
  const [scheduler, worker, other] = [
    await database.scheduler(),
    await database.worker(['decay']),
    await peer(database),
  ];
  let day = 60;
  const fleet = async (): Promise<Sample> => {
    day -= 1;
    const used = fleetCpu(database, scheduler, worker);
    const { at } = await database.now();
    const slot = slotOf(day);
    await database.command(['cycle', 'run', 'decay', '--at', slot]);
    await database.idle();
    const cpu = used(runs);
    const [cycle] = await database.sql<{ done: number; seconds: number }>(
      `select count(*)::int as done, date_part('epoch', max(r.finished_at) - min(c.planned_at)) as seconds
         from public.runs r join public.cycles c on c.worker = r.worker and c.slot = r.slot
        where r.worker = 'decay' and r.slot = $1::timestamptz and r.state = 'done' and r.created_at >= $2::timestamptz - interval '1 s'`,
      [slot, at],
    );
    if (cycle?.done !== runs) throw new Error(`${cycle?.done} of ${runs} decay runs were done`);
    return { value: runs / cycle.seconds, cpu };
  };
  const raw = async (): Promise<Sample> => {
    day -= 1;
    return await peerSample(database, other, tenants, 1, slotOf(day));
  };
  const tidy = async <T>(work: Promise<T>): Promise<T> => {
    const given = await work;
    await database.sql('vacuum public.runs, public.memories, public.decay_marks');
    await database.sql('checkpoint');
    return given;
  };
  await tidy(fleet());
  await tidy(raw());
  return joined(
    await paired(
      repeats,
      () => tidy(fleet()),
      () => tidy(raw()),
    ),
  );
}

/** What decisions 0009 and 0010 found. */
const IN_POSTGRES =
  'Two thirds of the CPU is in Postgres: each run is a transaction that enters its tenant, looks and locks under row security, has its effect and ends in an update of the ledger, some 450 µs of CPU here even in a bare loop, more than the transaction of the reference with its round trip (decisions 0009 and 0010).';

function rowOf(
  id: string,
  what: string,
  least: number,
  measure: typeof touches,
  sizes: readonly [number, number],
): Row {
  const bar: Bar = { of: 'ratio', atLeast: least };
  const against = 'plain BullMQ with the same tenant transaction and no ledger: at least once, no record, no order';
  return {
    id,
    what,
    against,
    unit: 'runs/s',
    bar,
    because: IN_POSTGRES,
    async measure(stage, repeats) {
      const runs = stage.size(...sizes);
      const samples = await stage.with((database) => measure(database, runs, repeats));
      return {
        samples,
        notes: [
          `${runs} runs a repeat, enqueue included; each side with one worker process, 16 at once, 8 connections`,
        ],
      };
    },
  };
}

const cpu: Row = {
  id: 'cpu-touch',
  what: 'CPU time per run of one row, of all processes together',
  against: '',
  unit: 'µs',
  bar: { of: 'value', atMost: 90 },
  because: IN_POSTGRES,
  async measure(stage, repeats) {
    const runs = stage.size(40_000, 10_000);
    return await stage.with(async (database) => {
      await database.tenants(2_000);
      await database.history();
      const [scheduler, worker] = [await database.scheduler(), await database.worker(['touch'])];
      await rateOf(database, 10_000, await owe(database, 10_000));
      const samples: Sample[] = [];
      for (let repeat = 0; repeat < repeats; repeat += 1) {
        await database.sql('vacuum public.runs');
        await database.sql('checkpoint');
        const used = fleetCpu(database, scheduler, worker);
        await rateOf(database, runs, await owe(database, runs));
        const spent = used(runs);
        samples.push({ value: Object.values(spent).reduce((sum, us) => sum + us, 0), cpu: spent });
      }
      return { samples, notes: [`${runs} runs a repeat; making them owed included`] };
    });
  },
};

/** The fleet beside plain BullMQ, and what a run costs. */
export const rawBullmq: readonly Row[] = [
  rowOf('touch', 'runs of one row, in tickets, with fair order and caps', 3, touches, [20_000, 10_000]),
  rowOf('decay-20', 'decay runs of 20 memories, planned by a cycle', 2, decays, [10_000, 2_000]),
  cpu,
];
