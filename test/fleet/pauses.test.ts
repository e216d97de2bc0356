import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import type { PauseScope } from '../../src/ledger/pause.ts';
import { PauseBook, type PauseRequest } from '../../src/ledger/pause-book.ts';
import { RunBook } from '../../src/ledger/run-book.ts';
import { CycleCommand } from '../../src/schedule/cycle-command.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, enrolled, runCounts } from '../support/ledger.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { useRedis } from '../support/redis.ts';
import { addRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const OPS = { actor: 'ops@acme.example' };
let [held, free] = ['', ''];
let day = 0;
let leader: TestProcess | undefined;

const book = () => new PauseBook(database().open('rae_operator'));

/** Makes a slot for every tenant, also those that a run before has found nothing for. */
async function cycle(): Promise<void> {
  await database().admin('update public.tenant_cadences set idle = false');
  await commandCycle(database(), new Date(Date.UTC(2026, 1, 1 + day++, 2)));
}

beforeAll(async () => {
  [held, free] = [await addTenant(database()), await addTenant(database())];
  // A flood is more than a plan allows to ask for.
  await database().admin(
    `insert into public.quotas (tenant_id, quota, value)
       select t, q, null from unnest($1::uuid[]) t, unnest('{max_enqueues_per_minute,max_backlog}'::text[]) q`,
    [[held, free]],
  );
});

beforeEach(async () => {
  const fleet = new TestFleet({ database: database(), redisUrl: redisUrl() });
  leader = fleet.scheduler();
  await ready(leader, fleet.worker());
  await enrolled(database(), [held, free]);
});

function pause(scope: PauseScope, options: Partial<PauseRequest> = {}) {
  const request = { arrivals: 'keep', aborts: false, reason: 'runaway imports', expiresAt: undefined } as const;
  return book().pause({ ...request, ...scope, ...options }, OPS);
}

/** How many runs of the tenant stand so. */
async function count(tenantId: string, state: string, reason?: string): Promise<number> {
  const [row] = await database().admin<{ n: number }>(
    'select count(*)::int as n from public.runs where tenant_id = $1 and state = $2 and ($3::text is null or reason = $3)',
    [tenantId, state, reason ?? null],
  );
  return row?.n ?? 0;
}

async function until(tenantId: string, state: string, runs: number, reason?: string): Promise<void> {
  await eventually(async () => ((await count(tenantId, state, reason)) >= runs ? true : undefined), {
    what: `${runs} runs of ${tenantId} to be ${state}`,
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}: ${await runCounts(database())}`);
  });
}

async function enqueue(tenantId: string, key: string): Promise<string> {
  const [row] = await database()
    .tenants('rae_api')
    .inTenant(tenantId, (tx) =>
      tx.rows<{ run: string }>(query("select public.rae_enqueue('decay', '{}', $1) as run"), [key]),
    );
  return row?.run ?? '';
}

/** Everything that makes a tenant's run owed: a cycle, a request, and a dead run that is tried again. */
async function arrive(tenantId: string, key: string): Promise<string> {
  await cycle();
  const dead = await addRun(database(), tenantId, { state: 'dead', error: 'failed', finished_at: new Date() });
  await new RunBook(database().open('rae_operator')).retry(dead);
  return enqueue(tenantId, key);
}

describe('a pause', () => {
  it.each<readonly [string, () => PauseScope]>([
    ['a tenant', () => ({ tenantId: held })],
    ['one worker of a tenant', () => ({ tenantId: held, worker: 'decay' })],
  ])(
    'of %s holds its cycles, requests and retries, says why, and lets all go when it is lifted',
    async (what, scope) => {
      const before = { held: await count(held, 'done'), free: await count(free, 'done') };
      await pause(scope());
      const run = await arrive(held, what);
      await until(free, 'done', before.free + 1);
      const why = await eventually(
        async () => {
          const hold = await new RunBook(database().open('rae_operator')).why(run);
          return hold.reason === 'paused' ? hold : undefined;
        },
        { what: 'the record to say why' },
      );
      expect(why).toMatchObject({ owner: OPS.actor, waiting: 3, clears_at: null });
      expect(await count(held, 'owed')).toBe(3);
      expect(await count(held, 'done')).toBe(before.held);
      expect((await book().holding(held, 'decay'))[0]).toMatchObject({ reason: 'runaway imports' });
      expect(await book().resume(scope(), OPS)).toHaveLength(1);
      await until(held, 'done', before.held + 3);
    },
  );

  it('of a worker, or of a queue, holds everybody in it, and those alone', async () => {
    for (const scope of [{ worker: 'decay' }, { worker: 'decay', queue: 'rae.decay.p00' }]) {
      await pause(scope, { expiresAt: new Date(Date.now() + 3_600_000) });
      const run = await enqueue(free, JSON.stringify(scope));
      const look = () => new RunBook(database().open('rae_operator')).why(run);
      const why = await eventually(async () => ((await look()).reason === 'paused' ? look() : undefined), {
        what: 'a reason',
      });
      expect(why.clears_at).toBeInstanceOf(Date);
      await book().resume(scope, OPS);
      await eventually(async () => ((await look()).state === 'done' ? true : undefined), { what: 'it to go on' });
    }
  });

  it('begins before it returns: nothing of a flood starts after it, and what was admitted is owed again', async () => {
    await database().admin(
      `insert into public.runs (tenant_id, worker, origin) select t, 'decay', 'request' from unnest($1::uuid[]) t, generate_series(1, 1500)`,
      [[held, free]],
    );
    await until(held, 'done', (await count(held, 'done')) + 100);
    await pause({ tenantId: held });
    const [now] = await database().admin<{ at: Date; left: number }>(
      `select clock_timestamp() as at, (select count(*)::int from public.runs where tenant_id = $1 and state = 'owed') as left`,
      [held],
    );
    expect(now?.left).toBeGreaterThan(100);
    await until(free, 'done', 1_500);
    const late = await database().admin(
      `select run_id, state from public.runs where tenant_id = $1 and (started_at > $2 or state in ('queued', 'running'))`,
      [held, now?.at],
    );
    expect(late).toEqual([]);
    await book().resume({ tenantId: held }, OPS);
    await eventually(
      async () => {
        const [left] = await database().admin<{ n: number }>(
          'select count(*)::int as n from public.runs where finished_at is null',
        );
        return left?.n === 0 ? true : undefined;
      },
      { what: 'all of both floods to be done', withinMs: 40_000 },
    );
    expect(await count(held, 'done')).toBeGreaterThanOrEqual(1_500);
  }, 60_000);

  it('skips what arrives meanwhile where it is asked to, and keeps what was owed before', async () => {
    await pause({ tenantId: held });
    const kept = await enqueue(held, 'kept');
    await book().resume({ tenantId: free }, OPS);
    await pause({ worker: 'decay' }, { arrivals: 'skip' });
    await cycle();
    const skipped = await enqueue(free, 'skipped');
    await until(free, 'skipped', 2, 'paused');
    expect((await new RunBook(database().open('rae_operator')).show(skipped)).state).toBe('skipped');
    await book().resume({}, OPS);
    expect(await book().list()).toEqual([]);
    const run = () => new RunBook(database().open('rae_operator')).show(kept);
    await eventually(async () => ((await run()).state === 'done' ? true : undefined), {
      what: 'the kept run to be done',
    });
  });

  it('holds when its leader is killed, also what is backfilled and what arrivals owe, and is shown while it does', async () => {
    await pause({ tenantId: held });
    const before = { held: await count(held, 'done'), free: await count(free, 'done') };
    const second = new TestFleet({ database: database(), redisUrl: redisUrl() }).scheduler();
    await ready(second);
    leader?.kill('SIGKILL');
    await second.event('dispatch.lease_taken');
    await database().admin('update public.tenant_cadences set idle = false');
    const decay = (await loadCatalogue()).get('decay');
    const [from, to] = [new Date('2026-10-01T00:00:00Z'), new Date('2026-10-03T00:00:00Z')];
    const { planned } = await new CycleCommand(database().open('rae_operator'), systemClock).backfill(
      decay,
      from,
      to,
      held,
    );
    expect(planned.owed).toBeGreaterThan(0);
    const key = await enqueue(held, 'after the kill');
    await addRun(database(), held, { state: 'owed', origin: 'wake' });
    await enqueue(free, 'after the kill');
    await until(free, 'done', before.free + 1);
    const waiting = planned.owed + 2;
    const why = () => new RunBook(database().open('rae_operator')).why(key);
    const hold = await eventually(async () => ((await why()).reason === 'paused' ? why() : undefined), {
      what: 'the new leader to record why',
    });
    expect(hold).toMatchObject({ owner: OPS.actor, waiting });
    expect(await count(held, 'done')).toBe(before.held);
    const { port } = await second.event('port.opened');
    const metric = `rae_runs_held{worker="decay",reason="paused"} ${waiting}`;
    await eventually(
      async () => (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).includes(metric) || undefined,
      { what: metric },
    );
    await book().resume({ tenantId: held }, OPS);
    await until(held, 'done', before.held + waiting);
  }, 60_000);

  it('is lifted by itself when its time is over, and is entered in the audit log', async () => {
    const { pause: made } = await pause({ tenantId: held }, { expiresAt: new Date(Date.now() + 500) });
    const run = await enqueue(held, 'expiry');
    const show = () => new RunBook(database().open('rae_operator')).show(run);
    await eventually(async () => ((await show()).state === 'done' ? true : undefined), { what: 'it to go on' });
    expect((await book().list({ lifted: true })).find(({ pause_id: id }) => id === made.pause_id)).toMatchObject({
      lifted_by: 'its expiry',
    });
    const entries = await database().admin<{ actor: string; action: string }>(
      "select actor, action from public.audit_log where tenant_id = $1 and action like 'tenant.%paused' order by seq limit 2",
      [held],
    );
    expect(entries).toEqual([
      { actor: OPS.actor, action: 'tenant.paused' },
      { actor: OPS.actor, action: 'tenant.unpaused' },
    ]);
  });

  it('takes back what runs where it aborts, so that the attempt under way changes nothing more', async () => {
    const running = {
      state: 'running',
      attempt: 3,
      lease_until: new Date(Date.now() + 3_600_000),
      worker: 'elsewhere',
    };
    const run = await addRun(database(), held, running);
    await pause({ tenantId: held, worker: 'elsewhere' });
    expect(await count(held, 'running')).toBe(1);
    expect(await pause({ tenantId: held, worker: 'elsewhere' }, { aborts: true })).toMatchObject({ running: 1 });
    const shown = await new RunBook(database().open('rae_operator')).show(run);
    expect(shown).toMatchObject({ state: 'owed', attempt: 4, reason: 'paused', failures: 0 });
  });
});
