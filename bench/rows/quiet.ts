import { setTimeout as pause } from 'node:timers/promises';
import type { BenchDatabase } from '../bench-database.ts';
import { type Bar, paired, type Row } from '../row.ts';
import { quantile } from '../statistics.ts';

/** What one kind of run is: its worker, and how long it takes. */
interface Kind {
  readonly worker: string;
  readonly ms: number;
}

/** A flood, and the quiet tenants beside it. */
interface Scene {
  readonly id: string;
  readonly says: string;
  /** What quiet tenants ask for, in turn. */
  readonly quiet: readonly Kind[];
  /** What the flood is made of, in equal parts. */
  readonly flood: readonly Kind[];
  readonly bar: Bar;
}

const TOUCH: Kind = { worker: 'touch', ms: 0 };
const SQL: Kind = { worker: 'sleep-sql', ms: 2 };
const CODE: Kind = { worker: 'sleep-code', ms: 20 };
const LONG: Kind = { worker: 'sleep-code', ms: 1_000 };
const TWICE: Bar = { of: 'ratio', atMost: 2 };

const SCENES: readonly Scene[] = [
  { id: 'touch', says: 'runs of one row, in tickets', quiet: [TOUCH], flood: [TOUCH], bar: TWICE },
  { id: 'sql', says: 'runs of 2 ms in SQL, in tickets', quiet: [SQL], flood: [SQL], bar: TWICE },
  { id: 'code', says: 'runs of 20 ms of code, one per ticket', quiet: [CODE], flood: [CODE], bar: TWICE },
  { id: 'mixed', says: 'both kinds', quiet: [SQL, CODE], flood: [SQL, CODE], bar: { of: 'ratio', atMost: 3 } },
  {
    id: 'long',
    says: 'runs of 20 ms, the flood of runs of 1 s',
    quiet: [CODE],
    flood: [LONG],
    bar: { of: 'value', atMost: 60 },
  },
];

const RUNS = 5;
/** A quiet tenant comes every so many ms. */
const EVERY_MS = 10;

/** Who is on the stage. */
interface Cast {
  readonly quiet: readonly string[];
  readonly loud: readonly string[];
}

const OWE = `insert into public.runs (tenant_id, worker, origin, payload)
  select t, $2, 'request', jsonb_build_object('ms', $3::float8) from unnest($1::uuid[]) t, generate_series(1, $4::int)`;

/** Quiet tenants come one after another with five runs each. @returns the p99 of how long their runs waited, in ms. */
async function arrivals(database: BenchDatabase, tenants: readonly string[], kinds: readonly Kind[]): Promise<number> {
  const begun = performance.now();
  const [at] = await database.sql<{ at: string }>('select clock_timestamp()::text as at');
  const asked: Promise<unknown>[] = [];
  for (const [nth, tenant] of tenants.entries()) {
    await pause(Math.max(0, begun + nth * EVERY_MS - performance.now()));
    const { worker, ms } = kinds[nth % kinds.length] ?? TOUCH;
    asked.push(database.sql(OWE, [[tenant], worker, ms, RUNS]));
  }
  await Promise.all(asked);
  const waits = `from public.runs where tenant_id = any($1::uuid[]) and created_at >= $2::timestamptz`;
  await database.until(`select count(*) = $3::int as ok ${waits} and state = 'done'`, 'the quiet runs', 120, [
    tenants,
    at?.at,
    tenants.length * RUNS,
  ]);
  const rows = await database.sql<{ ms: number }>(
    `select date_part('epoch', started_at - created_at) * 1000 as ms ${waits}`,
    [tenants, at?.at],
  );
  return quantile(
    rows.map(({ ms }) => ms),
    0.99,
  );
}

/** The same while others have much more owed than can be done meanwhile. */
async function flooded(database: BenchDatabase, { quiet, loud }: Cast, scene: Scene, runs: number): Promise<number> {
  const [begun] = await database.sql<{ at: string }>('select clock_timestamp()::text as at');
  for (const { worker, ms } of scene.flood) {
    await database.sql(OWE, [loud, worker, ms, runs / loud.length / scene.flood.length]);
  }
  const busy = `select count(*) >= 50 as ok from (
    select from public.runs where tenant_id = any($1::uuid[]) and state = 'done' and created_at >= $2::timestamptz limit 50) n`;
  await database.until(busy, 'the flood to flow', 60, [loud, begun?.at]);
  const p99 = await arrivals(database, quiet, scene.quiet);
  for (const { worker } of scene.flood) {
    const left = await database.number(
      `select count(*) from public.runs where tenant_id = any($1::uuid[]) and worker = $2 and state = 'owed'`,
      [loud, worker],
    );
    if (left === 0) throw new Error(`the flood of ${worker} was over before the quiet tenants were served`);
  }
  await database.sql(`delete from public.runs where tenant_id = any($1::uuid[]) and state = 'owed'`, [loud]);
  await rested(database);
  return p99;
}

async function rested(database: BenchDatabase): Promise<void> {
  await database.idle();
  await database.sql('vacuum public.runs');
  await database.sql('checkpoint');
  // What the dispatcher knows of the flood is forgotten at its next look.
  await pause(1_200);
}

async function fleet(database: BenchDatabase, scene: Scene): Promise<void> {
  const workers = new Set([...scene.quiet, ...scene.flood].map(({ worker }) => worker));
  await database.scheduler();
  for (const worker of workers) await database.worker([worker], { RAE_CONCURRENCY: '50' });
}

function rowOf(scene: Scene, flooders: number): Row {
  const by = flooders === 1 ? 'one tenant' : `${flooders} tenants`;
  return {
    id: `quiet-${scene.id}-${flooders}`,
    what: `p99 wait of quiet tenants during a flood by ${by}: ${scene.says}`,
    against: 'the same without the flood',
    unit: 'ms',
    bar: scene.bar,
    async measure(stage, repeats) {
      const [tenants, runs] = [stage.size(200, 60), stage.size(100_000, 40_000)];
      return await stage.with(async (database) => {
        const cast = { quiet: await database.tenants(tenants), loud: await database.tenants(flooders) };
        await database.history();
        await fleet(database, scene);
        const calm = async () => {
          const p99 = await arrivals(database, cast.quiet, scene.quiet);
          await rested(database);
          return p99;
        };
        // Both once before it counts.
        await calm();
        await flooded(database, cast, scene, Math.min(runs, 40_000));
        const pairs = await paired(repeats, () => flooded(database, cast, scene, runs), calm);
        const notes = [
          `${tenants} quiet tenants with ${RUNS} runs each, one every ${EVERY_MS} ms; a flood of ${runs} runs`,
        ];
        return { samples: pairs.map(([value, reference]) => ({ value, reference })), notes };
      });
    },
  };
}

/** How long quiet tenants wait beside a flood. */
export const quiet: readonly Row[] = SCENES.flatMap((scene) => [rowOf(scene, 1), rowOf(scene, 10)]);
