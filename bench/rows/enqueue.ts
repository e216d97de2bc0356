import { freePort } from '../../src/embedded/free-port.ts';
import type { BenchDatabase } from '../bench-database.ts';
import type { AskedOf } from '../peers/asker.ts';
import type { BenchProcess } from '../process.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';
import { median, quantile } from '../statistics.ts';

/** Who is asked, with what a request asks for at once. */
const SIDES: readonly (readonly [side: string, of: AskedOf, count: number])[] = [
  ['rae_enqueue', 'rae-sql', 1],
  ['POST /v1/runs', 'rae-http', 1],
  ['graphile-worker addJob', 'graphile', 1],
  ['pg-boss send', 'pg-boss', 1],
  ['Queue.add', 'bullmq', 1],
  ['rae_enqueue of 500', 'rae-sql', 500],
  ['POST /v1/runs:batch of 500', 'rae-http', 500],
  ['graphile-worker addJobs of 500', 'graphile', 500],
  ['pg-boss insert of 500', 'pg-boss', 500],
  ['Queue.addBulk of 500', 'bullmq', 500],
];
type Side = (typeof SIDES)[number][0];

/** What one side did in one repeat. */
interface Asked {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}
type Repeat = ReadonlyMap<Side, Asked>;

const isTook = (message: unknown): message is { seconds: number; took: number[] } =>
  typeof message === 'object' && message !== null && 'took' in message;

async function askedBy(asker: BenchProcess, requests: number, count: number): Promise<Asked> {
  const told = asker.hears(isTook);
  asker.send({ requests, count });
  const { seconds, took } = await told;
  return { perSecond: (requests * count) / seconds, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** What was asked for is thrown away, and so is not in the way of the next. */
async function emptied(database: BenchDatabase): Promise<void> {
  await database.sql('delete from public.runs where finished_at is null');
  await database.sql('truncate public.arrivals, public.due_hints');
  await database.sql('truncate graphile_worker._private_jobs');
  await database.sql('delete from pgboss.job');
  await database.sql('vacuum public.runs');
  await database.sql('checkpoint');
}

async function started(database: BenchDatabase): Promise<ReadonlyMap<AskedOf, BenchProcess>> {
  const [tenant = ''] = await database.tenants(1);
  await database.history();
  const port = await freePort();
  const key = await database.adminKey(tenant);
  await database.api(port);
  const askers = new Map<AskedOf, BenchProcess>();
  for (const [, of] of SIDES) {
    const role = of === 'rae-sql' ? 'api' : 'admin';
    if (!askers.has(of)) askers.set(of, await database.peer('asker', { of, tenant, port, key }, role));
  }
  return askers;
}

let measured: Promise<readonly Repeat[]> | undefined;

async function all(stage: Stage, repeats: number): Promise<readonly Repeat[]> {
  return await stage.with(async (database) => {
    const askers = await started(database);
    const repeated: Repeat[] = [];
    for (let repeat = -1; repeat < repeats; repeat += 1) {
      const asked = new Map<Side, Asked>();
      const order = repeat % 2 === 0 ? SIDES : [...SIDES].reverse();
      for (const [side, of, count] of order) {
        const asker = askers.get(of);
        if (asker === undefined) throw new Error(`nobody asks by ${of}`);
        const requests = count === 1 ? stage.size(4_000, 200) : stage.size(40, 8);
        // The first repeat warms every side up, and is not counted.
        asked.set(side, await askedBy(asker, repeat < 0 ? Math.ceil(requests / 4) : requests, count));
      }
      await emptied(database);
      if (repeat >= 0) repeated.push(asked);
    }
    return repeated;
  });
}

function noteOf(repeats: readonly Repeat[], side: Side): string {
  const of = (part: keyof Asked) => median(repeats.map((one) => one.get(side)?.[part] ?? Number.NaN));
  return `${side}: ${Math.round(of('perSecond'))}/s, a request p50 ${of('p50').toFixed(1)} ms, p99 ${of('p99').toFixed(1)} ms`;
}

function rowOf(id: string, own: Side, peer: Side, atLeast: number): Row {
  return {
    id,
    what: `work asked for by ${own}, eight requests in flight`,
    against: `${peer}, in the same run`,
    unit: 'runs/s',
    bar: { of: 'ratio', atLeast },
    because:
      'a run is checked, counted against its quotas, kept under row security and survives a crash of either server; an entry of a queue is written',
    async measure(stage, repeats) {
      measured ??= all(stage, repeats);
      const found = await measured;
      const samples = found.map((repeat) => ({
        value: repeat.get(own)?.perSecond ?? Number.NaN,
        reference: repeat.get(peer)?.perSecond ?? Number.NaN,
      }));
      return { samples, notes: SIDES.map(([side]) => noteOf(found, side)) };
    },
  };
}

/** How quickly work is asked for, one at a time and by batch, beside the peers. */
export const enqueue: readonly Row[] = [
  rowOf('enqueue-sql', 'rae_enqueue', 'graphile-worker addJob', 0.3),
  rowOf('enqueue-http', 'POST /v1/runs', 'pg-boss send', 0.3),
  rowOf('enqueue-batch', 'POST /v1/runs:batch of 500', 'pg-boss insert of 500', 0.3),
];
