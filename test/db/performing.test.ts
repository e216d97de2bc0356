import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { addMemories, readMemories } from '../support/memories.ts';
import { type Performing, performing, type Way } from '../support/performing.ts';
import { addRun, type RunColumns, readRun } from '../support/runs.ts';
import { addTenant, type TenantOptions } from '../support/tenants.ts';

const database = useDatabase();
let decay: Performing;

const SLOT = new Date('2026-06-15T02:00:00Z');

/** A queued run of a tenant with 25 memories of importance 0.9 that were accessed ten days before. */
async function queued(columns: RunColumns = {}, tenant: TenantOptions = {}) {
  const tenantId = await addTenant(database(), tenant);
  const at = new Date(SLOT.getTime() - 10 * 86_400_000);
  const memory = { importance: 0.9, created_at: at, last_accessed_at: at };
  await addMemories(
    database(),
    tenantId,
    Array.from({ length: 25 }, () => memory),
  );
  const runId = await addRun(database(), tenantId, { slot: SLOT, attempt: 2, ...columns });
  return { tenantId, runId, attempt: 2 };
}

/** Another queued run of a tenant, of the day after. */
async function queuedAgain(tenantId: string) {
  const slot = new Date(SLOT.getTime() + 86_400_000);
  return { tenantId, runId: await addRun(database(), tenantId, { slot }), attempt: 0 };
}

type Ref = Awaited<ReturnType<typeof queued>>;

async function importances({ tenantId }: Ref): Promise<(number | null)[]> {
  const all = [...(await readMemories(database(), tenantId)).values()].map((row) => row.importance);
  return [...new Set(all)];
}

/** Stores a policy as the policy book does after it was checked; the parts that differ are given. */
async function store(
  { tenantId }: Ref,
  document: unknown,
  effective: unknown = document,
  fingerprint = decay.worker.fingerprint,
): Promise<void> {
  await database().admin(
    `insert into public.policies (tenant_id, worker, document, effective, checked)
     values ($1, 'decay', $2, $3, $4 || md5($2::jsonb::text))`,
    [tenantId, JSON.stringify(document), JSON.stringify(effective), fingerprint],
  );
}

describe.each<[Way]>([['alone'], ['in a ticket']])('%s', (way) => {
  beforeAll(async () => {
    decay = await performing('decay', database().tenants(), way);
  });

  describe('a run performed in one transaction', () => {
    it('goes from queued to done under a new attempt, with what it changed', async () => {
      const ref = await queued({ lease_until: new Date(), reason: 'lease_lapsed', error: 'of before' });
      expect(await decay.step(ref)).toMatchObject({
        status: 'done',
        plan: 'free',
        counts: { decayed: 25, dates: 1 },
      });
      expect(await readRun(database(), ref.runId)).toMatchObject({
        state: 'done',
        attempt: 3,
        counts: { decayed: 25, dates: 1 },
        reason: null,
        error: null,
        lease_until: null,
        started_at: expect.any(Date),
        finished_at: expect.any(Date),
      });
      expect(await importances(ref)).toEqual([expect.closeTo(0.891, 10)]);
    });

    it('changes nothing a second time: its fence is gone', async () => {
      const ref = await queued();
      await decay.step(ref);
      const [run, memories] = [await readRun(database(), ref.runId), await readMemories(database(), ref.tenantId)];
      expect(await decay.step(ref)).toEqual({ status: 'lost' });
      expect(await decay.step({ ...ref, attempt: 3, fresh: false })).toEqual({ status: 'lost' });
      expect(await readRun(database(), ref.runId)).toEqual(run);
      expect(await readMemories(database(), ref.tenantId)).toEqual(memories);
    });

    it('leaves its tenant due where it has memories, and idle where it has none', async () => {
      const idle = async ({ tenantId }: Ref, hintSeq: number) => {
        await database().admin(
          "insert into public.tenant_cadences (tenant_id, worker, hint_seq) values ($1, 'decay', $2)",
          [tenantId, hintSeq],
        );
        await decay.step({ ...(await queuedAgain(tenantId)) });
        const [row] = await database().admin('select idle from public.tenant_cadences where tenant_id = $1', [
          tenantId,
        ]);
        return row?.idle;
      };
      const [some, none] = [await queued(), await queued()];
      await database().admin('delete from public.memories where tenant_id = $1', [none.tenantId]);
      expect([await idle(some, 3), await idle(none, 4)]).toEqual([false, true]);
    });

    it('adds what it changed to what its earlier attempts had changed', async () => {
      const ref = await queued({ counts: { decayed: 100, dates: 4 } });
      expect(await decay.step(ref)).toMatchObject({ status: 'done', counts: { decayed: 125, dates: 5 } });
    });

    it('covers the older slots that were recorded as its own', async () => {
      const older = [1, 2].map((days) => new Date(SLOT.getTime() - days * 86_400_000));
      const ref = await queued({ covers_from: older[1] });
      for (const slot of older) await addRun(database(), ref.tenantId, { slot, state: 'skipped', covered_by: SLOT });
      expect(await decay.step(ref)).toMatchObject({ status: 'done', counts: { dates: 3 } });
      expect(await importances(ref)).toEqual([expect.closeTo(0.9 * 0.99 ** 3, 10)]);
    });

    it('keeps nothing when its effect fails, the claim included', async () => {
      const ref = await queued();
      const before = await readRun(database(), ref.runId);
      await expect(
        decay.step({ ...ref, policy: { ...decay.worker.defaultPolicy, rate: 'much' } }),
      ).rejects.toMatchObject({ code: '22P02' });
      expect(await readRun(database(), ref.runId)).toEqual(before);
      expect(await importances(ref)).toEqual([0.9]);
      expect((await decay.step(ref)).status).toBe('done');
    });
  });

  describe('a run of several steps', () => {
    const small = { settings: { step_rows: 10 } };

    it('holds a lease between them and adds up what they changed', async () => {
      const ref = await queued();
      expect(await decay.step({ ...ref, ...small })).toMatchObject({ status: 'more' });
      const between = await readRun(database(), ref.runId);
      expect(between).toMatchObject({
        state: 'running',
        attempt: 3,
        counts: { decayed: 10, dates: 0 },
        finished_at: null,
      });
      expect(between.lease_until?.getTime()).toBeGreaterThan(Date.now());
      const next = { ...ref, ...small, attempt: 3, fresh: false };
      expect(await decay.step(next)).toMatchObject({ status: 'more' });
      expect(await decay.step(next)).toMatchObject({ status: 'done', counts: { decayed: 25, dates: 1 } });
      expect((await readRun(database(), ref.runId)).started_at).toEqual(between.started_at);
    });

    it('is lost to the attempt that took it over', async () => {
      const ref = await queued();
      await decay.step({ ...ref, ...small });
      await database().admin("update public.runs set state = 'queued' where run_id = $1", [ref.runId]);
      const successor = await decay.step({ ...ref, ...small, attempt: 3 });
      expect(successor).toMatchObject({ status: 'more' });
      expect(await readRun(database(), ref.runId)).toMatchObject({ state: 'running', attempt: 4 });
      const before = await readRun(database(), ref.runId);
      for (const stale of [
        { attempt: 3, fresh: false },
        { attempt: 3, fresh: true },
        { attempt: 4, fresh: true },
      ]) {
        expect(await decay.step({ ...ref, ...small, ...stale })).toEqual({ status: 'lost' });
      }
      expect(await readRun(database(), ref.runId)).toEqual(before);
      expect(await decay.run({ ...ref, ...small, attempt: 4, fresh: false })).toMatchObject({
        status: 'done',
        counts: { decayed: 25 },
      });
      expect(await importances(ref)).toEqual([expect.closeTo(0.891, 10)]);
    });

    it('ends with a skip when its tenant is suspended on the way, and keeps what was done', async () => {
      const ref = await queued();
      await decay.step({ ...ref, ...small });
      await database().admin("update public.tenants set status = 'suspended' where tenant_id = $1", [ref.tenantId]);
      expect(await decay.step({ ...ref, ...small, attempt: 3, fresh: false })).toMatchObject({
        status: 'skipped',
        reason: 'tenant_suspended',
      });
      expect(await readRun(database(), ref.runId)).toMatchObject({
        state: 'skipped',
        attempt: 3,
        counts: { decayed: 10 },
      });
    });
  });

  describe('a run is skipped, with the reason,', () => {
    it.each([
      ['for a suspended tenant', { status: 'suspended' }, 'tenant_suspended'],
      ['for a deleted tenant', { status: 'deleted' }, 'tenant_deleted'],
    ] as const)('%s', async (_what, tenant, reason) => {
      const ref = await queued({}, tenant);
      expect(await decay.step(ref)).toMatchObject({ status: 'skipped', reason });
      expect(await readRun(database(), ref.runId)).toMatchObject({
        state: 'skipped',
        reason,
        attempt: 3,
        finished_at: expect.any(Date),
      });
      expect(await importances(ref)).toEqual([0.9]);
    });

    it('when its deadline has passed, unless it has begun before', async () => {
      const deadline = new Date(Date.now() - 1);
      const ref = await queued({ deadline });
      expect(await decay.step(ref)).toMatchObject({ status: 'skipped', reason: 'deadline' });
      expect(await readRun(database(), ref.runId)).toMatchObject({ state: 'skipped', reason: 'deadline', attempt: 3 });
      expect(await importances(ref)).toEqual([0.9]);
      const begun = await queued({ deadline, started_at: new Date() });
      expect(await decay.step(begun)).toMatchObject({ status: 'done' });
      const early = await queued({ deadline: new Date(Date.now() + 3_600_000) });
      expect(await decay.step(early)).toMatchObject({ status: 'done' });
    });

    it('for a tenant that has switched the worker off', async () => {
      const ref = await queued();
      await store(ref, { enabled: false }, { ...decay.worker.defaultPolicy, enabled: false });
      expect(await decay.step(ref)).toMatchObject({ status: 'skipped', reason: 'disabled' });
      expect(await readRun(database(), ref.runId)).toMatchObject({ state: 'skipped', reason: 'disabled', attempt: 3 });
      expect(await importances(ref)).toEqual([0.9]);
    });

    it('but a suspended tenant is served where the worker serves them, a deleted one never', async () => {
      const suspended = await queued({}, { status: 'suspended' });
      expect((await decay.step({ ...suspended, servesSuspended: true })).status).toBe('done');
      const deleted = await queued({}, { status: 'deleted' });
      expect((await decay.step({ ...deleted, servesSuspended: true })).status).toBe('skipped');
    });
  });

  describe('the policy of a run', () => {
    it('is the default one where the tenant has none', async () => {
      const ref = await queued();
      await decay.step(ref);
      expect(await importances(ref)).toEqual([expect.closeTo(0.891, 10)]);
    });

    it('is the stored one, with its defaults, when it was checked by this very schema', async () => {
      const ref = await queued();
      await store(ref, { rate: 0.5 }, { ...decay.worker.defaultPolicy, rate: 0.5 });
      await decay.step(ref);
      expect(await importances(ref)).toEqual([expect.closeTo(0.45, 10)]);
    });

    it.each<[what: string, arrange: (ref: Ref) => Promise<unknown>]>([
      ['was checked by another schema', (ref) => store(ref, { rate: 0.5 }, { rate: 0.5 }, 'another')],
      [
        'was never checked',
        (ref) =>
          database().admin(
            "insert into public.policies (tenant_id, worker, document) values ($1, 'decay', '{\"rate\": 0.5}')",
            [ref.tenantId],
          ),
      ],
      [
        'was changed past the policy book after its check',
        async (ref) => {
          await store(ref, { rate: 0.4 }, { ...decay.worker.defaultPolicy, rate: 0.4 });
          await database().admin('update public.policies set document = \'{"rate": 0.5}\' where tenant_id = $1', [
            ref.tenantId,
          ]);
        },
      ],
    ])('is handed back to be parsed where the stored one %s: nothing was done yet', async (_what, arrange) => {
      const ref = await queued();
      await arrange(ref);
      const before = await readRun(database(), ref.runId);
      expect(await decay.step(ref)).toMatchObject({ status: 'policy', document: { rate: 0.5 } });
      expect(await readRun(database(), ref.runId)).toEqual(before);
      expect(await importances(ref)).toEqual([0.9]);
      const parsed = { ...decay.worker.defaultPolicy, rate: 0.5 };
      expect((await decay.step({ ...ref, policy: parsed })).status).toBe('done');
      expect(await importances(ref)).toEqual([expect.closeTo(0.45, 10)]);
    });

    it('is never the one of another tenant or another worker', async () => {
      const [ref, other] = [await queued(), await queued()];
      await store(other, { rate: 0.5 }, { ...decay.worker.defaultPolicy, rate: 0.5 });
      await database().admin(
        "insert into public.policies (tenant_id, worker, document) values ($1, 'another', '{\"rate\": 0.7}')",
        [ref.tenantId],
      );
      await decay.step(ref);
      expect(await importances(ref)).toEqual([expect.closeTo(0.891, 10)]);
    });
  });
});
