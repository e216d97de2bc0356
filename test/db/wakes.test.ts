import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Catalogue } from '../../src/fleet/catalogue.ts';
import { done, scheduleFields, worker, workerContract } from '../../src/fleet/worker.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { LedgerUpkeep } from '../../src/ledger/upkeep.ts';
import { Hints } from '../../src/schedule/hints.ts';
import { Wakes } from '../../src/schedule/wakes.ts';
import { useDatabase } from '../support/database.ts';
import { echoesAmiss, makeEchoes } from '../support/echo-worker.ts';
import { executorOn } from '../support/executor.ts';
import { query } from '../support/query.ts';
import { seeded } from '../support/random.ts';
import { admittedRun } from '../support/runs.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const random = seeded('wakes');

const HEAR = query(
  `insert into public.echoes (tenant_id, event_id) select e.tenant_id, e.event_id from public.events e
    where e.tenant_id = $1 and not exists (select from public.echoes o where o.tenant_id = $1 and o.event_id = e.event_id)`,
);
const LINGER = query('select pg_sleep($1::float8)');

interface Woken {
  readonly afterMs?: number;
  readonly servesSuspended?: boolean;
  readonly cadence?: boolean;
}

/** A catalogue of one worker that is woken by events and hears each once. */
function catalogueOf(name: string, { afterMs = 0, servesSuspended = false, cadence = false }: Woken = {}): Catalogue {
  const policy = z.strictObject(cadence ? scheduleFields('0 3 * * *') : { enabled: z.boolean().default(true) });
  const contract = workerContract({
    name,
    does: 'Hears events.',
    policy,
    payload: z.strictObject({}),
    settings: z.strictObject({}),
  });
  const definition = worker({
    contract,
    when: { catchUp: 'skip', listens: [], wakes: { on: ['event'], afterMs }, servesSuspended, estimateMs: 1 },
    perform: (run) =>
      run.step(async (tx) => {
        await tx.rows(HEAR, [run.tenantId]);
        await tx.rows(LINGER, [random.below(20) / 1_000]);
        return done({});
      }),
  });
  return Catalogue.of([[name, definition]]);
}

/** One round of a scheduler over what has arrived. */
class Fold {
  readonly hints: Hints;
  readonly wakes: Wakes;

  constructor(catalogue: Catalogue) {
    const own = database().open('rae_scheduler', { poolSize: 1 });
    this.hints = new Hints(own, catalogue, systemClock);
    this.wakes = new Wakes(own, catalogue);
  }

  async round(): Promise<void> {
    while (await this.hints.fold());
    while (await this.wakes.owe());
  }
}

/** Each with a worker of its own, so that no test sees another's runs. */
let made = 0;
async function scene(woken: Woken = {}) {
  made += 1;
  const name = `echo-${made}`;
  const catalogue = catalogueOf(name, woken);
  const fold = new Fold(catalogue);
  const tenantId = await addTenant(database());
  await fold.round();
  const runs = () =>
    database().admin<{ run_id: string; state: string; origin: string }>(
      'select run_id, state, origin from public.runs where tenant_id = $1 and worker = $2 order by created_at, run_id',
      [tenantId, name],
    );
  const states = async () => (await runs()).map(({ state }) => state);
  const move = async (from: string, columns: string) => {
    await database().admin(
      `update public.runs set ${columns} where tenant_id = $1 and worker = $2 and state = '${from}'`,
      [tenantId, name],
    );
  };
  return {
    name,
    catalogue,
    fold,
    tenantId,
    runs,
    states,
    arrive: () => emit(tenantId),
    admit: () => move('owed', "state = 'queued'"),
    claim: () => move('queued', "state = 'running', attempt = attempt + 1"),
    finish: () => move('running', "state = 'done', finished_at = clock_timestamp()"),
  };
}

async function emit(tenantId: string, count = 1, pauseMs = 0): Promise<void> {
  await connected(database().url('rae_api'), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [tenantId]);
    await client.query("select public.rae_emit_event('custom.arrival') from generate_series(1, $1)", [count]);
    await client.query('select pg_sleep($1::float8)', [pauseMs / 1_000]);
    await client.query('commit');
  });
}

beforeAll(async () => {
  await makeEchoes(database());
});

describe('an arrival', () => {
  it('owes one run of origin wake, however much arrives before that is claimed', async () => {
    const { arrive, fold, runs, states, admit } = await scene();
    await Promise.all([arrive(), arrive(), arrive()]);
    await fold.round();
    expect(await runs()).toMatchObject([{ state: 'owed', origin: 'wake' }]);
    await arrive();
    await fold.round();
    expect(await states()).toEqual(['owed']);
    await admit();
    await fold.round();
    expect(await states()).toEqual(['queued']);
  });

  it.each(['queued', 'running'])('owes exactly one more when the run that was %s has ended', async (was) => {
    const { arrive, fold, states, admit, claim, finish } = await scene();
    await arrive();
    await fold.round();
    await admit();
    if (was === 'running') await claim();
    await Promise.all([arrive(), arrive(), arrive()]);
    await fold.round();
    await fold.round();
    expect(await states()).toEqual([was]);
    if (was === 'queued') await claim();
    await finish();
    await fold.round();
    await fold.round();
    expect(await states()).toEqual(['done', 'owed']);
  });

  it('that came before a run was claimed is left to it, and owes nothing when it has ended', async () => {
    const { arrive, fold, states, admit, claim, finish } = await scene();
    await arrive();
    await fold.round();
    await arrive();
    await fold.round();
    await admit();
    await claim();
    await finish();
    await fold.round();
    expect(await states()).toEqual(['done']);
  });

  it('waits for a run that goes on after a retry: that may have looked before', async () => {
    const { arrive, fold, states, admit, claim, finish, tenantId } = await scene();
    await arrive();
    await fold.round();
    await admit();
    await claim();
    await database().admin("update public.runs set state = 'owed' where tenant_id = $1", [tenantId]);
    await arrive();
    await fold.round();
    expect(await states()).toEqual(['owed']);
    await admit();
    await claim();
    await finish();
    await fold.round();
    expect(await states()).toEqual(['done', 'owed']);
  });

  it('is gathered with others for the time that the worker says', async () => {
    const { arrive, fold, states, tenantId } = await scene({ afterMs: 60_000 });
    await arrive();
    await fold.round();
    expect(await states()).toEqual([]);
    await database().admin("update public.wakes set since = since - interval '1 minute' where tenant_id = $1", [
      tenantId,
    ]);
    await fold.round();
    expect(await states()).toEqual(['owed']);
  });

  it('wakes nobody who has switched the worker off, and is not forgotten when it is switched on', async () => {
    const { arrive, fold, states, tenantId, name } = await scene();
    const policy = `insert into public.policies (tenant_id, worker, document) values ($1, $2, $3)
      on conflict (tenant_id, worker) do update set document = excluded.document`;
    await database().admin(policy, [tenantId, name, '{"enabled": false}']);
    await arrive();
    await fold.round();
    expect(await states()).toEqual([]);
    await database().admin(policy, [tenantId, name, '{"enabled": true}']);
    await fold.round();
    expect(await states()).toEqual(['owed']);
  });

  it.each([
    [false, []],
    [true, ['owed']],
  ])('of a suspended tenant wakes a worker that serves such: %s', async (servesSuspended, wanted) => {
    const { arrive, fold, states, tenantId } = await scene({ servesSuspended });
    await database().admin("update public.tenants set status = 'suspended' where tenant_id = $1", [tenantId]);
    await arrive();
    await fold.round();
    expect(await states()).toEqual(wanted);
    await database().admin("update public.tenants set status = 'active' where tenant_id = $1", [tenantId]);
    await fold.round();
    expect(await states()).toEqual(['owed']);
  });

  it('is noticed by the cadence of the worker as well, where it has one', async () => {
    const { arrive, fold, tenantId, states } = await scene({ cadence: true });
    await database().admin('update public.tenant_cadences set idle = true where tenant_id = $1', [tenantId]);
    await arrive();
    await fold.round();
    expect(await states()).toEqual(['owed']);
    const [cadence] = await database().admin('select idle from public.tenant_cadences where tenant_id = $1', [
      tenantId,
    ]);
    expect(cadence).toEqual({ idle: false });
  });
});

describe('a tenant', () => {
  it('that is new is owed nothing before something arrives', async () => {
    const { fold, states } = await scene();
    await fold.round();
    expect(await states()).toEqual([]);
  });

  it('that is made while a scheduler starts is owed nothing either', async () => {
    const { fold, name } = await scene();
    const made = await addTenant(database());
    await fold.hints.enrol();
    await fold.round();
    const owed = 'select from public.runs where tenant_id = $1 and worker = $2';
    expect(await database().admin(owed, [made, name])).toEqual([]);
    const known = 'select from public.tenant_cadences where tenant_id = $1 and worker = $2';
    expect(await database().admin(known, [made, name])).toHaveLength(1);
  });

  it('that a worker of a new release does not know is woken once', async () => {
    const { fold, states, tenantId } = await scene();
    await database().admin('delete from public.tenant_cadences where tenant_id = $1', [tenantId]);
    await fold.hints.enrol();
    await fold.round();
    await fold.hints.enrol();
    await fold.round();
    expect(await states()).toEqual(['owed']);
  });
});

describe('a due time', () => {
  const wakeAt = async (tenantId: string, name: string, at: string) => {
    await connected(database().url('rae_worker'), async (client) => {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [tenantId]);
      await client.query(`select public.rae_wake_at($1, now() + interval '${at}')`, [name]);
      await client.query('commit');
    });
  };

  it('owes a run when it has come, and then no more', async () => {
    const { fold, states, tenantId, name } = await scene();
    await wakeAt(tenantId, name, '1 hour');
    await fold.round();
    expect(await states()).toEqual([]);
    await database().admin('update public.tenant_cadences set due_at = now() where tenant_id = $1', [tenantId]);
    await fold.round();
    await fold.round();
    expect(await states()).toEqual(['owed']);
  });

  it('that is earlier counts, and a later one does not put it off', async () => {
    const { fold, states, tenantId, name } = await scene();
    await wakeAt(tenantId, name, '1 hour');
    await wakeAt(tenantId, name, '-1 second');
    await wakeAt(tenantId, name, '2 hours');
    await fold.round();
    expect(await states()).toEqual(['owed']);
  });
});

describe('housekeeping', () => {
  it('keeps wake runs that ended well for a day, others longer, and what is woken later needs none of them', async () => {
    const { arrive, fold, states, admit, claim, finish, tenantId, name } = await scene();
    await arrive();
    await fold.round();
    await admit();
    await claim();
    await finish();
    const age = 'update public.runs set finished_at = now() - $2::interval where tenant_id = $1';
    const sweep = () => new LedgerUpkeep(database().open('rae_scheduler'), 20).sweep();
    await database().admin(age, [tenantId, '23 hours']);
    await database().admin(
      `insert into public.runs (tenant_id, worker, origin, state, error, finished_at)
       values ($1, $2, 'wake', 'dead', 'it failed', now() - interval '25 hours'),
              ($1, $2, 'request', 'done', null, now() - interval '25 hours')`,
      [tenantId, name],
    );
    await sweep();
    expect((await states()).sort()).toEqual(['dead', 'done', 'done']);
    await database().admin(age, [tenantId, '25 hours']);
    await sweep();
    expect((await states()).sort()).toEqual(['dead', 'done']);
    await arrive();
    await fold.round();
    expect(await states()).toContain('owed');
  });
});

describe('with writers, several schedulers and workers at once', () => {
  it('every event is heard once, and no tenant ever has two wake runs at once', async () => {
    const { name, catalogue } = await scene();
    const tenants = await Promise.all(Array.from({ length: 12 }, () => addTenant(database())));
    const echo = catalogue.get(name);
    const executor = executorOn(database().tenants('rae_worker', { poolSize: 6 }));
    let writing = true;
    const together: unknown[] = [];

    const writer = async () => {
      for (let turn = 0; turn < 25; turn += 1) await emit(random.pick(tenants), 1 + random.below(3), random.below(8));
    };
    const scheduler = async () => {
      const fold = new Fold(catalogue);
      while (writing) await fold.round();
      await fold.round();
    };
    /** Takes whatever is owed, as a dispatcher and a worker process would, until nothing is. */
    const performer = async () => {
      for (;;) {
        const [taken] = await database().admin<{ run_id: string }>(
          `update public.runs set state = 'queued' where run_id = (
             select run_id from public.runs where worker = $1 and state = 'owed' limit 1 for update skip locked) returning run_id`,
          [name],
        );
        if (taken !== undefined) await executor.execute(echo, await admittedRun(database(), taken.run_id));
        else if (!writing && !(await isWaiting())) return;
      }
    };
    const isWaiting = async () => {
      const [row] = await database().admin<{ waiting: boolean }>(
        `select exists (select from public.due_hints) or exists (select from public.wakes where since is not null and worker = $1)
             or exists (select from public.runs where worker = $1 and finished_at is null) as waiting`,
        [name],
      );
      return row?.waiting ?? false;
    };
    const watcher = async () => {
      while (writing) {
        together.push(
          ...(await database().admin(
            "select tenant_id from public.runs where worker = $1 and origin = 'wake' and finished_at is null group by 1 having count(*) > 1",
            [name],
          )),
        );
      }
    };

    const watching = watcher();
    const schedulers = [scheduler(), scheduler(), scheduler()];
    const performers = [performer(), performer(), performer()];
    await Promise.all(Array.from({ length: 4 }, writer));
    writing = false;
    await Promise.all([...schedulers, watching]);
    const last = new Fold(catalogue);
    while (await isWaiting()) await last.round();
    await Promise.all(performers);
    expect(await echoesAmiss(database(), tenants)).toEqual([]);
    expect(together).toEqual([]);
    const [counts] = await database().admin<{ events: number; runs: number }>(
      `select (select count(*)::int from public.echoes where tenant_id = any($2)) as events,
              (select count(*)::int from public.runs where worker = $1) as runs`,
      [name, tenants],
    );
    expect(counts?.runs).toBeGreaterThan(tenants.length);
    expect(counts?.runs).toBeLessThanOrEqual(counts?.events ?? 0);
  });
});
