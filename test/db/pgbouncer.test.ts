import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admitService } from '../../src/db/admission.ts';
import type { Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { Shards } from '../../src/db/shards.ts';
import { TenantContext } from '../../src/db/tenant-context.ts';
import { RunLedger } from '../../src/ledger/run-ledger.ts';
import { useDatabase } from '../support/database.ts';
import { decayRun } from '../support/decay-run.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSchema } from '../support/fleet-schema.ts';
import { addMemories, readMemories } from '../support/memories.ts';
import { performing } from '../support/performing.ts';
import { type Pooler, startPooler } from '../support/pgbouncer.ts';
import { useProcesses } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { addRun, readRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
useProcesses('all');
let pooler: Pooler | undefined;

beforeAll(async () => {
  // One connection to the server for all clients of a user: whatever one leaves behind, the next one finds.
  pooler = await startPooler({ urls: [database().url('rae_worker'), database().url('rae_scheduler')], poolSize: 1 });
});

/** As a service behind a pooler older than 1.21 is set up. */
function pooled(who: 'rae_worker' | 'rae_scheduler' = 'rae_worker', prepared = false): Database {
  if (pooler === undefined) throw new Error('there is no pooler');
  return database().open(who, { url: pooler.through(database().url(who)), pooled: true, prepared, poolSize: 4 });
}

const inside = (one: Database): TenantContext => new TenantContext(new Shards(new Map([['main', one]])));
const READ = query('select content from public.memories');

afterAll(async () => {
  // The clients first: a pooler that ends under them would be told as their fault.
  await pooler?.stop();
});

describe('behind PgBouncer in transaction mode', () => {
  it('a service is admitted by the same checks', async () => {
    const schema = await fleetSchema();
    const admission = await admitService(pooled(), { role: 'rae_worker', schema, requirePatched: false });
    expect(admission.serverVersion).toMatch(/^\d+/);
  });

  it('every client sees the rows of the tenant it has entered and no other, however many share a connection', async () => {
    const tenants = await Promise.all(Array.from({ length: 6 }, () => addTenant(database())));
    for (const id of tenants) await addMemories(database(), id, [{ content: id }]);
    const clients = Array.from({ length: 3 }, () => inside(pooled()));
    const reads = Array.from({ length: 90 }, async (_n, index) => {
      const id = tenants[index % tenants.length] ?? '';
      const client = clients[index % clients.length];
      const rows = await client?.inTenant(id, async (tx) => [...(await tx.rows(READ)), ...(await tx.rows(READ))]);
      expect(rows).toEqual([{ content: id }, { content: id }]);
    });
    await Promise.all(reads);
  });

  it('no client finds the tenant that another one has entered on the connection before', async () => {
    const tenant = await addTenant(database());
    await addMemories(database(), tenant, [{ content: 'secret' }]);
    const [one, other] = [pooled(), pooled()];
    expect(await inside(one).inTenant(tenant, (tx) => tx.rows(READ))).toHaveLength(1);
    await expect(other.rows(READ)).rejects.toMatchObject({ code: '42501' });
    await expect(inside(one).inTenant(tenant, (tx) => tx.rows(query('select 1 / 0')))).rejects.toMatchObject({
      code: '22012',
    });
    await expect(other.transaction((tx) => tx.rows(READ))).rejects.toMatchObject({ code: '42501' });
    expect(await inside(other).inTenant(await addTenant(database()), (tx) => tx.rows(READ))).toEqual([]);
  });

  it('a run is claimed, stepped and settled', async () => {
    const tenantId = await addTenant(database());
    const tenants = inside(pooled());
    const ledger = new RunLedger(tenants, 30_000);
    const runId = await addRun(database(), tenantId, {});
    expect(await ledger.claim({ tenantId, runId, attempt: 0, epoch: 0, payloadHash: null }, false)).toMatchObject({
      status: 'claimed',
      attempt: 1,
    });
    const ref = { tenantId, runId, attempt: 1 };
    await tenants.inTenant(tenantId, async (tx) => {
      expect(await ledger.beginStep(tx, ref)).toBe(true);
      expect(await ledger.endStep(tx, ref, { at: 1 }, { decayed: 1 })).toBe(true);
    });
    expect(await ledger.settle(ref, { state: 'done' })).toBe(true);
    expect(await readRun(database(), runId)).toMatchObject({ state: 'done', counts: { decayed: 1 } });
  });

  it('a worker performs its runs in one call each', async () => {
    const tenantId = await addTenant(database());
    const slot = new Date('2026-06-15T02:00:00Z');
    const at = new Date(slot.getTime() - 10 * 86_400_000);
    await addMemories(database(), tenantId, [{ importance: 0.9, created_at: at, last_accessed_at: at }]);
    const decay = await performing('decay', inside(pooled()));
    expect(await decayRun(database(), decay, { tenantId, slots: [slot] })).toMatchObject({
      status: 'done',
      counts: { decayed: 1 },
    });
    const [memory] = (await readMemories(database(), tenantId)).values();
    expect(memory?.importance).toBeCloseTo(0.891, 10);
  });

  it('the scheduler’s statements work', async () => {
    const rows = await pooled('rae_scheduler').rows(query('select plan from public.plans where run_cap > $1'), [0]);
    expect(rows.length).toBeGreaterThan(0);
  });

  it('migrations go past it, by the direct address, while it is in use', async () => {
    await pooled().rows(query('select 1'));
    expect(await migrate(database().open('admin'), await fleetSchema())).toEqual({ migrations: [], functions: [] });
  });

  it('named prepared statements are for a PgBouncer that knows them, and to be switched off before', async () => {
    const tenant = await addTenant(database());
    const clients = Array.from({ length: 4 }, () => inside(pooled('rae_worker', true)));
    const text = query('select content from public.memories where importance > $1');
    const failed = async () => {
      const reads = Array.from({ length: 24 }, (_n, index) =>
        clients[index % 4]?.inTenant(tenant, (tx) => tx.rows(text, [0])),
      );
      return (await Promise.allSettled(reads)).filter((read) => read.status === 'rejected');
    };
    const { major, minor } = pooler?.program.version ?? { major: 0, minor: 0 };
    const first = await failed();
    if (major > 1 || minor >= 21) return expect(first).toEqual([]);
    // An older one fails as soon as a client comes upon a session that another has prepared its statement on.
    const some =
      first.length > 0 ||
      (await eventually(async () => (await failed()).length > 0 || undefined, { what: 'reads to fail' }));
    expect(some).toBe(true);
  });

  it('a service that is not set up for a pooler is refused at once, with the reason', async () => {
    const url = pooler?.through(database().url('rae_worker')) ?? '';
    const refused = database().open('rae_worker', { url, pooled: false }).rows(query('select 1'));
    await expect(refused).rejects.toThrow(/unsupported startup parameter/);
  });
});
