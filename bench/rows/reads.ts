import { freePort } from '../../src/embedded/free-port.ts';
import type { BenchDatabase } from '../bench-database.ts';
import type { BenchProcess } from '../process.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';
import { median, quantile } from '../statistics.ts';

const READS = {
  budget: '/v1/budget/check?estimate_usd=0.01',
  runs: '/v1/runs?limit=50',
} as const;
type Read = keyof typeof READS;

/** Waits for answers in ms, while the fleet is at rest and while cycles run. */
interface Waits {
  readonly rest: Readonly<Record<Read, readonly number[]>>;
  readonly load: Readonly<Record<Read, readonly number[]>>;
  /** Runs that were done a second meanwhile. */
  readonly done: number;
}

const isTook = (message: unknown): message is { took: Record<Read, number[]> } =>
  typeof message === 'object' && message !== null && 'took' in message;

async function read(reader: BenchProcess, times: number): Promise<Readonly<Record<Read, readonly number[]>>> {
  const told = reader.hears(isTook);
  reader.send({ times });
  return (await told).took;
}

const DONE = "select count(*) from public.runs where worker = 'touch' and state = 'done' and finished_at > $1";

async function repeatOf(database: BenchDatabase, reader: BenchProcess, times: number, runs: number): Promise<Waits> {
  const rest = await read(reader, times);
  const { at } = await database.now();
  await database.sql(
    `insert into public.runs (tenant_id, worker, origin)
       select t.tenant_id, 'touch', 'request' from public.tenants t, generate_series(1, $1::int)`,
    [runs],
  );
  await database.until(`select (${DONE.replace('$1', `'${at}'`)}) > 0`, 'the first run of the cycle');
  const began = performance.now();
  const load = await read(reader, times);
  const seconds = (performance.now() - began) / 1_000;
  const done = await database.number(DONE, [at]);
  const isOver = await database.number(
    "select count(*) from public.runs where finished_at is null and worker = 'touch'",
  );
  if (isOver === 0) throw new Error('the cycle ended before the reads did: they were not under load');
  await database.idle();
  return { rest, load, done: done / seconds };
}

let measured: Promise<readonly Waits[]> | undefined;

async function all(stage: Stage, repeats: number): Promise<readonly Waits[]> {
  return await stage.with(async (database) => {
    const tenants = await database.tenants(500);
    await database.history();
    const port = await freePort();
    const keys: string[] = [];
    for (const tenant of tenants.slice(0, 8)) keys.push(await database.adminKey(tenant));
    await database.sql(
      'insert into public.cost_budgets (tenant_id, monthly_limit_usd) select tenant_id, 1000 from public.tenants',
    );
    await database.scheduler();
    await database.worker(['touch']);
    await database.api(port);
    const reader = await database.peer('reader', { port, keys, reads: READS }, 'api');
    await read(reader, 100);
    const repeated: Waits[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1)
      repeated.push(await repeatOf(database, reader, stage.size(1_500, 200), stage.size(200, 60)));
    return repeated;
  });
}

function rowOf(id: string, which: Read, atMost: number): Row {
  return {
    id,
    what: `GET ${READS[which]} while cycles run, p99 of four callers; none of the answers an error`,
    against: 'the same while the fleet is at rest',
    unit: 'ms',
    bar: { of: 'value', atMost },
    async measure(stage, repeats) {
      measured ??= all(stage, repeats);
      const found = await measured;
      const samples = found.map(({ rest, load }) => ({
        value: quantile(load[which], 0.99),
        reference: quantile(rest[which], 0.99),
      }));
      const p50 = (of: 'rest' | 'load') => median(found.map((one) => quantile(one[of][which], 0.5))).toFixed(1);
      return {
        samples,
        notes: [
          `p50 ${p50('load')} ms, at rest ${p50('rest')} ms; ${Math.round(median(found.map(({ done }) => done)))} runs/s were done meanwhile`,
        ],
      };
    },
  };
}

/** How quickly the API answers while the fleet works. */
export const reads: readonly Row[] = [rowOf('read-budget', 'budget', 100), rowOf('read-runs', 'runs', 100)];
