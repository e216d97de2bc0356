import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { PolicyBook } from '../../src/tenant/policy-book.ts';
import { useDatabase } from '../support/database.ts';
import { wronglyEntered, wronglyHashed } from '../support/estate.ts';
import { type Performing, performing } from '../support/performing.ts';
import { retentionRun } from '../support/retention-run.ts';
import { addRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let retention: Performing;
let policies: PolicyBook;

beforeAll(async () => {
  retention = await performing('retention-purge', database().tenants());
  const { name, definition, fingerprint, defaultPolicy } = retention.worker;
  const schema = { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy };
  policies = new PolicyBook(database().tenants('rae_api'), new Map([[name, schema]]));
});

const SLOT = new Date('2026-06-15T01:00:00Z');
const DAY_MS = 86_400_000;
const daysBefore = (days: number): string => new Date(SLOT.getTime() - days * DAY_MS).toISOString();

/** Memories of a layer, so many of each age in days. */
async function remember(tenantId: string, layer: string, ages: readonly (readonly [count: number, days: number])[]) {
  for (const [count, days] of ages) {
    await database().admin(
      `insert into public.memories (tenant_id, content, layer, created_at)
       select $1, 'text', $2, $3 from generate_series(1, $4::int)`,
      [tenantId, layer, daysBefore(days), count],
    );
  }
}

async function certificate(tenantId: string, of: string) {
  const [row] = await database().admin<Record<string, unknown>>(
    `select deleted::int, cutoff, oldest, newest, policy_fingerprint as policies from public.deletion_certificates
      where tenant_id = $1 and class = $2`,
    [tenantId, of],
  );
  return row;
}

/** The fingerprint of a policy by the words of docs/retention.md. */
async function fingerprintOf(policy: Readonly<Record<string, unknown>>): Promise<string> {
  const { enabled, cron, time_zone, ...rest } = { ...retention.worker.defaultPolicy, ...policy };
  const [row] = await database().admin<{ text: string }>('select $1::jsonb::text as text', [JSON.stringify(rest)]);
  return createHash('sha256')
    .update(row?.text ?? '')
    .digest('hex');
}

/** A run of the slot in steps of ten rows, with something done after the first so many of them. */
async function interrupted(tenantId: string, steps: number, between: () => Promise<unknown>): Promise<void> {
  const runId = await addRun(database(), tenantId, { worker: 'retention-purge', slot: SLOT });
  const call = { tenantId, runId, settings: { step_rows: 10 } };
  expect((await retention.run({ ...call, attempt: 0 }, steps)).status).toBe('more');
  await between();
  expect((await retention.run({ ...call, attempt: 1, fresh: false })).status).toBe('done');
}

describe('a policy that is edited between two steps of one run', () => {
  it('counts from the next step on when it removes more, and the certificate names both, in the order of their use', async () => {
    const tenantId = await addTenant(database());
    await policies.set(tenantId, 'retention-purge', { episodic_memories_days: 120 });
    await remember(tenantId, 'episodic', [
      [15, 130],
      [15, 100],
      [5, 20],
    ]);
    await interrupted(tenantId, 1, () =>
      policies.set(tenantId, 'retention-purge', { episodic_memories_days: 30, semantic_memories_days: 400 }),
    );
    expect(await certificate(tenantId, 'episodic')).toMatchObject({
      deleted: 30,
      cutoff: new Date(daysBefore(30)),
      oldest: new Date(daysBefore(130)),
      newest: new Date(daysBefore(100)),
      policies: `${await fingerprintOf({ episodic_memories_days: 120 })} ${await fingerprintOf({ episodic_memories_days: 30, semantic_memories_days: 400 })}`,
    });
    expect(await wronglyHashed(database(), tenantId)).toEqual([]);
    expect(await wronglyEntered(database(), tenantId)).toEqual([]);
  });

  it('keeps what it keeps from the next step on, and the certificate names only the one by which something went', async () => {
    const tenantId = await addTenant(database());
    await remember(tenantId, 'episodic', [[30, 100]]);
    await remember(tenantId, 'semantic', [[7, 400]]);
    const kept = { episodic_memories_days: 'never' };
    await interrupted(tenantId, 2, () => policies.set(tenantId, 'retention-purge', kept));
    expect(await certificate(tenantId, 'episodic')).toMatchObject({
      deleted: 20,
      cutoff: new Date(daysBefore(90)),
      policies: await fingerprintOf({}),
    });
    expect(await certificate(tenantId, 'semantic')).toMatchObject({ deleted: 7, policies: await fingerprintOf(kept) });
    expect(await wronglyHashed(database(), tenantId)).toEqual([]);
    expect(await wronglyEntered(database(), tenantId)).toEqual([]);
  });

  it('is named once when it is the first one again', async () => {
    const tenantId = await addTenant(database());
    await remember(tenantId, 'episodic', [[45, 100]]);
    const [first, second] = [{ episodic_memories_days: 80 }, { episodic_memories_days: 70 }];
    await policies.set(tenantId, 'retention-purge', first);
    await interrupted(tenantId, 1, async () => {
      await policies.set(tenantId, 'retention-purge', second);
      const [run] = await database().admin<{ run_id: string }>('select run_id from public.runs where tenant_id = $1', [
        tenantId,
      ]);
      const call = { tenantId, runId: run?.run_id ?? '', attempt: 1, fresh: false, settings: { step_rows: 10 } };
      await retention.run(call, 1);
      await policies.set(tenantId, 'retention-purge', first);
    });
    expect(await certificate(tenantId, 'episodic')).toMatchObject({
      deleted: 45,
      policies: `${await fingerprintOf(first)} ${await fingerprintOf(second)}`,
    });
  });
});

describe('a deletion certificate', () => {
  it('is entered in the audit log once, by the run that completes it, however many steps it took', async () => {
    const tenantId = await addTenant(database());
    await remember(tenantId, 'episodic', [[35, 100]]);
    await remember(tenantId, 'working', [[5, 10]]);
    const entries = () =>
      database().admin(
        `select detail ->> 'class' as class, (detail ->> 'deleted')::int as deleted from public.audit_log
          where tenant_id = $1 and action = 'retention.certified' order by seq`,
        [tenantId],
      );
    await interrupted(tenantId, 2, async () => expect(await entries()).toEqual([]));
    const whole = [
      { class: 'episodic', deleted: 35 },
      { class: 'working', deleted: 5 },
    ];
    expect(await entries()).toEqual(whole);
    expect(await wronglyEntered(database(), tenantId)).toEqual([]);
    await retentionRun(database(), retention, { tenantId, slot: SLOT });
    expect(await entries(), 'a run that removes nothing enters nothing').toEqual(whole);
    await remember(tenantId, 'working', [[2, 10]]);
    await retentionRun(database(), retention, { tenantId, slot: SLOT });
    expect(await entries(), 'one that grew is entered as it stands now').toEqual([
      ...whole,
      { class: 'working', deleted: 7 },
    ]);
    expect(await wronglyEntered(database(), tenantId)).toEqual([]);
  });

  it('of a run that was given up is entered by the next one', async () => {
    const tenantId = await addTenant(database());
    await remember(tenantId, 'episodic', [[25, 100]]);
    await retentionRun(database(), retention, { tenantId, slot: SLOT, stepRows: 10, killedAfter: 1 });
    expect(await wronglyEntered(database(), tenantId)).toHaveLength(1);
    const next = new Date(SLOT.getTime() + DAY_MS);
    await retentionRun(database(), retention, { tenantId, slot: next, stepRows: 10 });
    expect(await wronglyEntered(database(), tenantId)).toEqual([]);
    const slots = await database().admin(
      'select slot from public.deletion_certificates where tenant_id = $1 order by 1',
      [tenantId],
    );
    expect(slots).toEqual([{ slot: SLOT }, { slot: next }]);
  });

  it('of the audit log itself is entered in what is left of it', async () => {
    const tenantId = await addTenant(database());
    await remember(tenantId, 'episodic', [[3, 100]]);
    await retentionRun(database(), retention, { tenantId, slot: SLOT });
    const later = new Date(Date.UTC(2040, 0, 1));
    await retentionRun(database(), retention, { tenantId, slot: later });
    const left = await database().admin(
      "select detail ->> 'class' as class, (detail ->> 'deleted')::int as deleted from public.audit_log where tenant_id = $1",
      [tenantId],
    );
    expect(left).toEqual([{ class: 'audit_log', deleted: 1 }]);
    const [chain] = await database().admin<{ classes: string[] }>(
      'select array_agg(class::text order by class) as classes from public.deletion_certificates where tenant_id = $1',
      [tenantId],
    );
    expect(chain?.classes).toEqual(['audit_log', 'episodic']);
  });
});
