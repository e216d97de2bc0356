import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Takers } from '../../queues/consumers.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { Displacement } from '../../src/dispatch/displacement.ts';
import { Noise } from '../../src/dispatch/noise.ts';
import { Picture } from '../../src/dispatch/picture.ts';
import { Windows } from '../../src/dispatch/windows.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { Consumption } from '../../src/kernel/consumption.ts';
import { Events } from '../../src/observe/events.ts';
import { PlacementBook } from '../../src/tenant/placement-book.ts';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const WORKERS = [
  { name: 'decay', shared: true },
  { name: 'delivery', shared: false },
];
const OPS = { actor: 'ops' };
let nowMs = 0;
let wall = Date.now();
/** Moves on by hand. */
const clock: Clock = { now: () => new Date(wall), monotonicMs: () => nowMs };

beforeEach(() => {
  nowMs = 0;
  wall = Date.now();
});

afterEach(async () => {
  await database().admin('delete from public.placement_rules');
});

function later(seconds: number): void {
  nowMs += 1_000 * seconds;
  wall += 1_000 * seconds;
}

function scene() {
  const costs = new CostBook(() => 1);
  const windows = new Windows(costs, { window: 100, reserve: 0.2 });
  const picture = new Picture({ workers: WORKERS, costs, windows, partitions: 2 });
  const noise = new Noise();
  const scheduler = database().open('rae_scheduler');
  const events = new Events();
  const displacement = new Displacement({
    database: scheduler,
    picture,
    noise,
    windows,
    workers: WORKERS,
    clock,
    events,
  });
  const taken = (...consumes: readonly string[]) => {
    const takers: Takers[] = consumes.flatMap((text) =>
      WORKERS.map(({ name }) => ({ worker: name, consumes: new Consumption(text), slots: 4, steps: 4, processes: 1 })),
    );
    nowMs += 3_000;
    if (windows.follow(takers, nowMs)) picture.relane();
  };
  const waits = async (tenantId: string, worker = 'decay') => {
    const { placed, placementEpoch } = await placedNow(tenantId);
    const [dedicated, quarantined] = [placed === 'dedicated', placed === 'quarantine'];
    const share = { tenant_id: tenantId, weight: 1, cap: 8, epoch: placementEpoch, dedicated, quarantined };
    if (picture.shares.set(share)) picture.moved(tenantId);
    picture.add(tenantId, worker);
  };
  return { displacement, noise, taken, waits, book: new PlacementBook(database().open('rae_operator')) };
}

async function placedNow(tenantId: string) {
  const [row] = await database().admin<{ placement: string | null; placement_epoch: number; dedicated: boolean }>(
    `select t.placement, t.placement_epoch, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated
       from public.tenants t join public.plans p on p.plan = t.plan where t.tenant_id = $1`,
    [tenantId],
  );
  const { placement = null, placement_epoch: placementEpoch = 0, dedicated = false } = row ?? {};
  return { placed: dedicated ? 'dedicated' : (placement ?? 'shared'), placementEpoch };
}

async function actions(tenantId: string): Promise<readonly string[]> {
  const rows = await database().admin<{ action: string }>(
    'select action from public.audit_log where tenant_id = $1 order by seq',
    [tenantId],
  );
  return rows.map(({ action }) => action).filter((action) => action.startsWith('tenant.'));
}

describe('a dedicated queue that no process takes', () => {
  it('stays where it is unless operators allow it to fall back, and goes back when a process comes', async () => {
    const [tenant, refused] = await Promise.all([1, 2].map(() => addTenant(database(), { plan: 'enterprise' })));
    const { displacement, taken, waits, book } = scene();
    taken('shared');
    for (const id of [tenant, refused] as [string, string]) await waits(id);
    await displacement.look();
    later(3_600);
    await displacement.look();
    expect(await placedNow(tenant ?? '')).toEqual({ placed: 'dedicated', placementEpoch: 0 });
    await book.set(undefined, 'fallback', { after_seconds: 30 }, OPS);
    await book.set(refused, 'fallback', null, OPS);
    await displacement.look();
    later(29);
    await displacement.look();
    expect((await placedNow(tenant ?? '')).placed).toBe('dedicated');
    later(1);
    await displacement.look();
    expect(await placedNow(tenant ?? '')).toEqual({ placed: 'shared', placementEpoch: 1 });
    expect((await placedNow(refused ?? '')).placed).toBe('dedicated');
    const { displaced } = await book.show();
    expect(displaced).toMatchObject([{ tenant_id: tenant, kind: 'fallback', home: null }]);
    expect(displaced[0]?.why).toBe(`no process takes rae.decay.t-${tenant} since 30 s`);
    await waits(tenant ?? '');
    await displacement.look();
    expect((await placedNow(tenant ?? '')).placed, 'not to and fro').toBe('shared');
    taken('shared', String(tenant));
    await displacement.look();
    expect(await placedNow(tenant ?? '')).toEqual({ placed: 'dedicated', placementEpoch: 2 });
    expect(await actions(tenant ?? '')).toEqual(['tenant.displaced', 'tenant.put_back']);
    expect((await book.show()).displaced).toEqual([]);
  });

  it('is no matter of a rule any more once a hand has placed its tenant, and goes back when the rule is gone', async () => {
    const [byHand = '', byRule = ''] = await Promise.all(
      [1, 2].map(() => addTenant(database(), { plan: 'enterprise' })),
    );
    const { displacement, taken, waits, book } = scene();
    await book.set(undefined, 'fallback', { after_seconds: 1 }, OPS);
    taken('shared');
    for (const id of [byHand, byRule]) await waits(id);
    await displacement.look();
    later(1);
    await displacement.look();
    await new TenantRegistry(database().open('rae_operator')).place(byHand, 'quarantine');
    await book.set(undefined, 'fallback', undefined, OPS);
    await displacement.look();
    expect((await placedNow(byHand)).placed).toBe('quarantine');
    expect((await placedNow(byRule)).placed).toBe('dedicated');
    expect((await book.show()).displaced).toEqual([]);
  });
});

describe('a noisy tenant', () => {
  const RULE = { share_percent: 60, failed_percent: 50, noisy_seconds: 10, calm_seconds: 20 };

  it('is moved to quarantine by its share of worker time, and back when it is calm', async () => {
    const [loud = '', quiet = '', exempt = ''] = await Promise.all([1, 2, 3].map(() => addTenant(database())));
    const { displacement, noise, book } = scene();
    await book.set(undefined, 'quarantine', RULE, OPS);
    await book.set(exempt, 'quarantine', null, OPS);
    await displacement.look();
    const second = (ms: Readonly<Record<string, number>>) => {
      later(1);
      for (const [tenantId, one] of Object.entries(ms)) noise.left(tenantId, one, nowMs);
    };
    for (let nth = 0; nth < 9; nth += 1) second({ [loud]: 700, [quiet]: 300 });
    await displacement.look();
    expect((await placedNow(loud)).placed, 'it was not heard long enough').toBe('shared');
    for (let nth = 0; nth < 3; nth += 1) second({ [loud]: 700, [quiet]: 300 });
    await displacement.look();
    expect(await placedNow(loud)).toEqual({ placed: 'quarantine', placementEpoch: 1 });
    expect((await placedNow(quiet)).placed).toBe('shared');
    expect((await book.show()).displaced[0]?.why).toBe(
      "held 70.0 % of the fleet's worker time in 10 s; 60 % are allowed",
    );
    // From here on the wall clock is that of the database, which dates the move.
    wall = Date.now();
    for (let nth = 0; nth < 15; nth += 1) second({ [quiet]: 300, [exempt]: 200 });
    await displacement.look();
    expect((await placedNow(loud)).placed).toBe('quarantine');
    for (let nth = 0; nth < 15; nth += 1) second({ [exempt]: 900 });
    await displacement.look();
    expect(await placedNow(loud)).toEqual({ placed: 'shared', placementEpoch: 2 });
    expect((await placedNow(exempt)).placed, 'never, whatever is said for all').toBe('shared');
    expect(await actions(loud)).toEqual(['tenant.displaced', 'tenant.put_back']);
  });

  it('is moved too when most of its runs fail, by lapses and by runs that were given up', async () => {
    const [lapsing = '', failing = '', few = ''] = await Promise.all([1, 2, 3].map(() => addTenant(database())));
    const { displacement, noise, book } = scene();
    await book.set(undefined, 'quarantine', { ...RULE, share_percent: null }, OPS);
    await displacement.look();
    later(11);
    for (let nth = 0; nth < 10; nth += 1) for (const id of [lapsing, failing, few]) noise.left(id, 1, nowMs);
    noise.failed(lapsing, 6, nowMs);
    noise.failed(few, 5, nowMs);
    await database().admin(
      `insert into public.runs (tenant_id, worker, origin, state, error, finished_at)
       select $1, 'decay', 'request', 'dead', '{"message":"broken"}', now() from generate_series(1, 12)`,
      [failing],
    );
    await displacement.look();
    expect((await placedNow(lapsing)).placed).toBe('quarantine');
    expect((await placedNow(failing)).placed).toBe('quarantine');
    expect((await placedNow(few)).placed).toBe('shared');
    await book.set(undefined, 'quarantine', undefined, OPS);
    await displacement.look();
    expect((await placedNow(lapsing)).placed).toBe('shared');
  });
});
