import { setTimeout as pause } from 'node:timers/promises';
import type { BenchDatabase } from '../bench-database.ts';
import type { BenchProcess } from '../process.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';
import { quantile } from '../statistics.ts';

/** Waits of one repeat, in ms, from just before the insert to the start. */
interface Waits {
  readonly own: readonly number[];
  readonly peer: readonly number[];
}

/** Each side begins one every so many ms, and a little. */
const EVERY_MS = 150;

const nowNs = () => process.hrtime.bigint();

/** How far the server's clock is from this machine's steady one: by the quickest of some answers. In ms. */
async function clockOffset(database: BenchDatabase): Promise<number> {
  let best = { trip: Number.POSITIVE_INFINITY, offset: 0 };
  for (let tries = 0; tries < 20; tries += 1) {
    const before = Number(nowNs()) / 1e6;
    const server = await database.number("select date_part('epoch', clock_timestamp()) * 1000");
    const after = Number(nowNs()) / 1e6;
    if (after - before < best.trip) best = { trip: after - before, offset: server - (before + after) / 2 };
  }
  return best.offset;
}

/** One run of the fleet's: the ledger says when it started. */
async function ownWait(database: BenchDatabase, tenant: string, offset: number): Promise<number> {
  const before = Number(nowNs()) / 1e6;
  const [run] = await database.sql<{ id: string }>(
    `insert into public.runs (tenant_id, worker, origin) values ($1, 'touch', 'request') returning run_id as id`,
    [tenant],
  );
  for (;;) {
    await pause(5);
    const [row] = await database.sql<{ ms: number | null }>(
      `select date_part('epoch', started_at) * 1000 as ms from public.runs where tenant_id = $1 and run_id = $2`,
      [tenant, run?.id],
    );
    if (row?.ms != null) return row.ms - offset - before;
  }
}

const isBegun = (message: unknown): message is { beganNs: string } =>
  typeof message === 'object' && message !== null && 'beganNs' in message;

/** One of graphile-worker's: its task says when it began. */
async function peerWait(database: BenchDatabase, peer: BenchProcess): Promise<number> {
  const began = peer.hears(isBegun);
  const before = nowNs();
  await database.sql("select graphile_worker.add_job('begin', '{}'::json)");
  return Number(BigInt((await began).beganNs) - before) / 1e6;
}

async function waits(
  database: BenchDatabase,
  tenants: readonly string[],
  peer: BenchProcess,
  samples: number,
): Promise<Waits> {
  const [own, other]: [number[], number[]] = [[], []];
  const offset = await clockOffset(database);
  for (let nth = 0; nth < samples; nth += 1) {
    const tenant = tenants[nth % tenants.length] ?? '';
    // In turn, who is first in turn too: what disturbs the machine for a moment disturbs both.
    const turns = [
      async () => own.push(await ownWait(database, tenant, offset)),
      async () => other.push(await peerWait(database, peer)),
    ];
    for (const turn of nth % 2 === 0 ? turns : turns.reverse()) {
      await turn();
      // More often, and the dispatcher would not count as at rest.
      await pause(EVERY_MS / 2);
    }
  }
  return { own, peer: other };
}

let measured: Promise<readonly Waits[]> | undefined;

async function all(stage: Stage, repeats: number): Promise<readonly Waits[]> {
  return await stage.with(async (database) => {
    const tenants = await database.tenants(200);
    await database.history();
    await database.scheduler();
    await database.worker(['touch']);
    const peer = await database.peer('graphile', {}, 'admin');
    await waits(database, tenants, peer, 30);
    const repeated: Waits[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      repeated.push(await waits(database, tenants, peer, stage.size(200, 40)));
    }
    return repeated;
  });
}

function rowOf(id: string, share: number, atMost: number): Row {
  return {
    id,
    what: `from the insert of a run to its start on an idle fleet, p${share * 100}`,
    against: 'graphile-worker, in turn with it',
    unit: 'ms',
    bar: { of: 'ratio', atMost },
    async measure(stage, repeats) {
      measured ??= all(stage, repeats);
      const samples = (await measured).map(({ own, peer }) => ({
        value: quantile(own, share),
        reference: quantile(peer, share),
      }));
      return { samples, notes: [`${stage.size(200, 40)} samples a repeat, one every ${EVERY_MS} ms, on each side`] };
    },
  };
}

/** How quickly an idle fleet begins. */
export const idleStart: readonly Row[] = [rowOf('idle-p50', 0.5, 1.3), rowOf('idle-p99', 0.99, 1.5)];
