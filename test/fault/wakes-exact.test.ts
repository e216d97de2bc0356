import { beforeAll, describe, expect, it } from 'vitest';
import { useCheckoutCopy } from '../support/checkout-copy.ts';
import { useDatabase } from '../support/database.ts';
import { ECHO, echoesAmiss, makeEchoes } from '../support/echo-worker.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { quiet } from '../support/ledger.ts';
import { randomMoment } from '../support/moment.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const copy = useCheckoutCopy({ echo: ECHO });
const random = seeded('wakes exact');
const KILLS = 12;
const TENANTS = 20;

beforeAll(async () => {
  await copy.compile();
  await copy.migrate(database());
  await makeEchoes(database());
});

const fleet = () => new TestFleet({ database: database(), redisUrl: redisUrl(), build: copy.build });

/** Commits events of random tenants until told to stop. */
async function write(tenants: readonly string[], goesOn: () => boolean): Promise<number> {
  return await connected(database().url('rae_api'), async (client) => {
    let written = 0;
    while (goesOn()) {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [random.pick(tenants)]);
      await client.query("select public.rae_emit_event('custom.arrival') from generate_series(1, $1)", [
        1 + random.below(3),
      ]);
      await client.query('select pg_sleep($1::float8)', [random.below(30) / 1_000]);
      await client.query(random.below(10) === 0 ? 'rollback' : 'commit');
      written += 1;
    }
    return written;
  });
}

describe('what arrives', () => {
  it('is heard once, whatever schedulers and workers are killed meanwhile', async () => {
    const tenants = await Promise.all(Array.from({ length: TENANTS }, () => addTenant(database())));
    const settings = { RAE_SETTINGS: JSON.stringify({ echo: { step_ms: 20 } }) };
    const start = { scheduler: () => fleet().scheduler(), worker: () => fleet().worker(['echo'], settings) };
    const alive = [
      { kind: 'scheduler' as const, process: start.scheduler() },
      { kind: 'scheduler' as const, process: start.scheduler() },
      { kind: 'worker' as const, process: start.worker() },
      { kind: 'worker' as const, process: start.worker() },
    ];
    await ready(...alive.map(({ process }) => process));
    const heard = async () => {
      const [row] = await database().admin<{ n: number }>('select count(*)::int as n from public.echoes');
      return row?.n ?? 0;
    };
    let before = 0;
    let writing = true;
    const writers = Promise.all([1, 2, 3].map(() => write(tenants, () => writing)));
    for (let killed = 0; killed < KILLS; killed += 1) {
      await eventually(async () => ((await heard()) > before ? true : undefined), { what: 'an event to be heard' });
      await randomMoment(random, 800);
      before = await heard();
      const victim = alive.splice(random.below(alive.length), 1)[0];
      victim?.process.kill('SIGKILL');
      const kind = victim?.kind ?? 'worker';
      alive.push({ kind, process: start[kind]() });
    }
    writing = false;
    const written = (await writers).reduce((sum, count) => sum + count, 0);
    await quiet(database(), 120_000, 'echo');
    expect(await echoesAmiss(database(), tenants)).toEqual([]);
    const [counts] = await database().admin<{ runs: number; dead: number }>(
      "select count(*)::int as runs, count(*) filter (where state = 'dead')::int as dead from public.runs where worker = 'echo'",
    );
    process.stdout.write(`${written} transactions, ${counts?.runs} wake runs, ${KILLS} kills\n`);
    expect(counts?.dead).toBe(0);
    expect(counts?.runs).toBeLessThanOrEqual(written);
  });

  it('on a fleet at rest is heard too, each time that its dispatcher has fallen asleep', async () => {
    const scheduler = fleet().scheduler();
    const worker = fleet().worker(['echo']);
    await ready(scheduler, worker);
    await quiet(database(), 60_000, 'echo');
    const tenantId = await addTenant(database());
    const times: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      await eventually(
        async () => (await database().admin('select from public.leases where asleep')).length === 1 || undefined,
        { what: 'the dispatcher to sleep' },
      );
      const started = performance.now();
      await connected(database().url('rae_api'), async (client) => {
        await client.query('begin');
        await client.query('select public.rae_enter_tenant($1)', [tenantId]);
        await client.query("select public.rae_emit_event('custom.arrival')");
        await client.query('commit');
      });
      await eventually(async () => ((await echoesAmiss(database(), [tenantId])).length === 0 ? true : undefined), {
        what: 'the event to be heard',
      });
      times.push(Math.round(performance.now() - started));
    }
    process.stdout.write(`heard after ${times.join(', ')} ms\n`);
    expect(await echoesAmiss(database(), [tenantId])).toEqual([]);
  });
});
