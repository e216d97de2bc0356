import { Redis } from 'ioredis';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashTagged, sharedQueue } from '../../queues/names.ts';
import { useCheckoutCopy } from '../support/checkout-copy.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, enrolled, quiet, runsOf } from '../support/ledger.ts';
import { endLingering, lingerIn } from '../support/lingering.ts';
import { mixOfMemories, storeMix } from '../support/memory-mix.ts';
import { startProgram, type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { type RunRow, readRun } from '../support/runs.ts';
import { TALLY } from '../support/tally-worker.ts';
import { addTenant } from '../support/tenants.ts';
import { wronglyDecayed } from '../support/wrongly-decayed.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const copy = useCheckoutCopy({ tally: TALLY });
const random = seeded('drain');
const slot = new Date('2026-03-01T02:00:00Z');
let fleet: TestFleet;

beforeAll(async () => {
  await copy.compile();
  await copy.migrate(database());
  fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), build: copy.build });
});

beforeEach(async () => {
  await database().admin('delete from public.runs');
});

async function tenantWith(count: number, policy?: Record<string, unknown>) {
  const id = await addTenant(database());
  const memories = mixOfMemories(random, count, slot);
  await storeMix(database(), id, memories);
  if (policy !== undefined) {
    await database().admin("insert into public.policies (tenant_id, worker, document) values ($1, 'tally', $2)", [
      id,
      JSON.stringify(policy),
    ]);
  }
  return { id, memories };
}

/** Tickets of the worker with code that processes have taken from its two partitions. */
async function takenTickets(): Promise<number> {
  const redis = new Redis(redisUrl(), { lazyConnect: true });
  await redis.connect();
  try {
    const queues = [0, 1].map((partition) => hashTagged(sharedQueue('tally', partition)));
    const active = await Promise.all(queues.map((queue) => redis.llen(`bull:${queue}:active`)));
    return active.reduce((sum, count) => sum + count, 0);
  } finally {
    redis.disconnect();
  }
}

/** A run of the worker with code, owed now. */
async function owe(tenantId: string): Promise<string> {
  const [run] = await database().admin<{ run_id: string }>(
    "insert into public.runs (tenant_id, worker, slot) values ($1, 'tally', $2) returning run_id",
    [tenantId, slot],
  );
  return run?.run_id ?? '';
}

const stepping = (ms: number) => ({ RAE_SETTINGS: JSON.stringify({ tally: { step_ms: ms } }) });

async function inState(runId: string, state: string) {
  return await eventually(
    async () => {
      const run = await readRun(database(), runId);
      return run.state === state ? run : undefined;
    },
    { what: `the run to be ${state}`, withinMs: 20_000 },
  );
}

async function stepped(runId: string) {
  await eventually(async () => ((await readRun(database(), runId)).progress === null ? undefined : true), {
    what: 'its first step',
  });
}

/** How often the memories were counted up: the same number for all of them when no step was lost or done twice. */
async function usage(tenantId: string) {
  return await database().admin('select distinct usage_count from public.memories where tenant_id = $1', [tenantId]);
}

/** Sessions of this process's role in the database, and its connections to Redis. */
async function connectionsLeft(of: string): Promise<{ readonly sessions: number; readonly redis: number }> {
  const sessions = await database().admin(
    'select from pg_catalog.pg_stat_activity where datname = current_database() and application_name = $1',
    [`rae ${of}`],
  );
  const redis = new Redis(redisUrl(), { lazyConnect: true });
  await redis.connect();
  const db = new URL(redisUrl()).pathname.slice(1);
  const clients = String(await redis.client('LIST'))
    .split('\n')
    .filter((line) => line.includes(` db=${db} `));
  redis.disconnect();
  return { sessions: sessions.length, redis: clients.length - 1 };
}

/** The events of its own life, in order. */
const logged = (process: TestProcess) =>
  process.logs.map(({ event }) => String(event)).filter((event) => /^(service|drain|process)\./.test(event));

describe('a worker that is told to stop', () => {
  it('ends at once when it has nothing to do, and leaves no connection', async () => {
    const worker = fleet.worker(['tally', 'decay']);
    await ready(worker);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toEqual({ code: 0, signal: null });
    expect(logged(worker).slice(-2)).toEqual(['service.stopping', 'service.stopped']);
    await eventually(async () => ((await connectionsLeft('worker')).sessions === 0 ? true : undefined), {
      what: 'its sessions to be gone',
    });
    expect(await connectionsLeft('worker')).toEqual({ sessions: 0, redis: 0 });
  });

  it('yields after the step it is in, and another one goes on from there', async () => {
    const { id } = await tenantWith(120);
    const worker = fleet.worker(['tally'], stepping(100));
    const scheduler = fleet.scheduler();
    await ready(scheduler, worker);
    const runId = await owe(id);
    await stepped(runId);
    scheduler.kill('SIGKILL');
    worker.kill('SIGTERM');
    expect(await worker.ended()).toEqual({ code: 0, signal: null });
    expect(logged(worker)).not.toContain('drain.expired');
    const left = await readRun(database(), runId);
    expect(left).toMatchObject({ state: 'owed', reason: 'yielded', attempt: 1, failures: 0, lapses: 0 });
    expect(await usage(id), 'it stopped in the middle').toHaveLength(2);
    await ready(fleet.scheduler(), fleet.worker(['tally']));
    expect(await inState(runId, 'done')).toMatchObject({ attempt: 2, counts: { counted: 120 } });
    expect(await usage(id)).toEqual([{ usage_count: 1 }]);
  });

  it('yields a large statement worker between its steps too', async () => {
    const tenant = await tenantWith(2_000);
    await lingerIn(database(), 'update on public.memories', 10);
    const worker = fleet.worker(['decay'], { RAE_SETTINGS: '{"decay":{"step_rows":10}}' });
    const scheduler = fleet.scheduler();
    await ready(scheduler, worker);
    await enrolled(database(), [tenant.id]);
    await commandCycle(database(), slot, tenant.id);
    const running = async () => (await runsOf(database(), tenant.id)).find(({ state }) => state === 'running');
    await eventually(running, { what: 'the run to be in the middle' });
    scheduler.kill('SIGKILL');
    worker.kill('SIGTERM');
    expect(await worker.ended()).toEqual({ code: 0, signal: null });
    expect(await runsOf(database(), tenant.id)).toMatchObject([{ state: 'owed', reason: 'yielded', failures: 0 }]);
    await endLingering(database());
    await ready(fleet.scheduler(), fleet.worker(['decay']));
    await quiet(database());
    expect(await wronglyDecayed(database(), tenant, [slot])).toEqual([]);
  });

  it('hands back the tickets it has taken and not begun', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 12; count += 1) ids.push((await tenantWith(20)).id);
    // One run at a time, long enough to be in the middle when it is told, and a ticket taken of each of the two partitions.
    // A ticket that is taken and waits longer than a lease is void.
    const patient = { RAE_LEASE_SECONDS: '60' };
    const worker = fleet.worker(['tally'], { ...stepping(500), ...patient, RAE_CONCURRENCY: '1' });
    const scheduler = fleet.scheduler(patient);
    await ready(scheduler, worker);
    const runIds = await Promise.all(ids.map(owe));
    await eventually(
      async () => {
        const runs = await Promise.all(runIds.map((runId) => readRun(database(), runId)));
        // Not in its last steps: it must still be in the middle when it is told.
        const isInTheMiddle = ({ state, progress }: RunRow) =>
          state === 'running' && progress !== null && (progress as { counted: number }).counted <= 8;
        return runs.some(isInTheMiddle) && (await takenTickets()) === 2 ? true : undefined;
      },
      { what: 'one run with a step behind it and the ticket of another taken' },
    );
    scheduler.kill('SIGKILL');
    worker.kill('SIGTERM');
    expect(await worker.ended()).toEqual({ code: 0, signal: null });
    const runs = await Promise.all(runIds.map((runId) => readRun(database(), runId)));
    const back = runs.filter(({ state, reason }) => state === 'owed' && reason === 'yielded');
    // The one in work has a step behind it; the other was only taken.
    expect(back.map(({ progress }) => progress !== null).sort()).toEqual([false, true]);
    expect(runs.filter(({ state }) => state === 'running')).toEqual([]);
    await ready(fleet.scheduler(), fleet.worker(['tally']));
    await quiet(database());
    for (const id of ids) expect(await usage(id)).toEqual([{ usage_count: 1 }]);
  });

  it('gives up at the deadline on what does not come to an end, and the run is taken up by another', async () => {
    const { id } = await tenantWith(20, { hangs: true });
    const worker = fleet.worker(['tally'], { RAE_DRAIN_SECONDS: '1' });
    await ready(fleet.scheduler(), worker);
    const runId = await owe(id);
    await stepped(runId);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toMatchObject({ signal: null });
    expect(logged(worker).slice(-3)).toEqual(['service.stopping', 'drain.expired', 'service.stopped']);
    expect(await readRun(database(), runId)).toMatchObject({ state: 'running', attempt: 1 });
    await database().admin("update public.policies set document = '{}' where tenant_id = $1", [id]);
    await ready(fleet.worker(['tally']));
    expect(await inState(runId, 'done')).toMatchObject({ attempt: 2, lapses: 1, failures: 0 });
    expect(await usage(id)).toEqual([{ usage_count: 1 }]);
  });

  it('gives up at a second signal, long before the deadline', async () => {
    const { id } = await tenantWith(20, { hangs: true });
    const worker = fleet.worker(['tally'], { RAE_DRAIN_SECONDS: '600' });
    await ready(fleet.scheduler(), worker);
    await stepped(await owe(id));
    worker.kill('SIGINT');
    await worker.event('service.stopping', { signal: 'SIGINT' });
    // Signals that follow at once are the echo of the first one.
    await eventually(
      () => {
        worker.kill('SIGTERM');
        return logged(worker).includes('drain.expired') || worker.exit !== undefined ? true : undefined;
      },
      { what: 'the second signal to count' },
    );
    expect(await worker.ended()).toMatchObject({ signal: null });
  });

  it('stops when the process that started it is gone, however that went', async () => {
    const { args, env } = fleet.command('worker', ['tally']);
    const parent = startProgram(
      process.execPath,
      [
        '-e',
        `const { spawn } = require('node:child_process');
         const child = spawn(process.execPath, ${JSON.stringify(args)}, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
         child.on('message', (message) => process.stdout.write(JSON.stringify(message) + '\\n'));`,
      ],
      { env },
    );
    expect(JSON.parse(await parent.line(/"ready"/))).toEqual({ ready: true, port: expect.any(Number) });
    parent.kill('SIGKILL');
    await eventually(() => (parent.err.includes('"service.stopped"') ? true : undefined), {
      what: 'the end of the child',
    });
    expect(parent.logs.find(({ event }) => event === 'service.stopping')).toMatchObject({ signal: 'disconnect' });
    // Its end closes the last of the pipes it inherited.
    await parent.ended();
  });
});

describe('a scheduler that is told to stop', () => {
  it('gives its lease up, so that another one dispatches at once', async () => {
    const first = fleet.scheduler();
    await first.event('dispatch.lease_taken');
    const second = fleet.scheduler();
    await ready(second);
    first.kill('SIGTERM');
    expect(await first.ended()).toEqual({ code: 0, signal: null });
    await second.event('dispatch.lease_taken');
    const [lease] = await database().admin('select holder, epoch from public.leases');
    expect(lease?.holder).toContain(`:${second.pid}:`);
    const { id } = await tenantWith(10);
    await ready(fleet.worker(['tally']));
    await inState(await owe(id), 'done');
    second.kill('SIGTERM');
    expect(await second.ended()).toEqual({ code: 0, signal: null });
    const [free] = await database().admin("select expires_at = '-infinity' as free from public.leases");
    expect(free, 'nobody has to wait for the lease to run out').toEqual({ free: true });
  });
});

describe('the liveness of a worker', () => {
  const health = async (worker: TestProcess) => {
    const { port } = await worker.event('port.opened');
    return await fetch(`http://127.0.0.1:${port}/healthz`);
  };

  it('is good while runs end, and no longer when none of them does', async () => {
    const { id } = await tenantWith(20, { hangs: true });
    const worker = fleet.worker(['tally']);
    await ready(fleet.scheduler(), worker);
    expect((await health(worker)).status).toBe(200);
    const runId = await owe(id);
    await stepped(runId);
    await eventually(async () => ((await health(worker)).status === 503 ? true : undefined), {
      what: 'the worker to call itself stuck',
      withinMs: 30_000,
    });
    expect(await readRun(database(), runId), 'its lease is renewed all the while').toMatchObject({
      attempt: 1,
      lapses: 0,
    });
  });
});
