import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { Planner } from '../../src/schedule/planner.ts';
import { LegalHoldBook } from '../../src/tenant/legal-hold-book.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { appendAudit, storeEstate } from '../support/estate.ts';
import { type Performing, performing } from '../support/performing.ts';
import { retentionRun } from '../support/retention-run.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let retention: Performing;

beforeAll(async () => {
  retention = await performing('retention-purge', database().tenants());
});

const SLOT = new Date('2026-06-15T01:00:00Z');
const DAY_MS = 86_400_000;
const daysBefore = (days: number): Date => new Date(SLOT.getTime() - days * DAY_MS);
const EMPTY = { memories: [], nodes: [], triples: [], evidence: [], costs: [], audit: [], holds: [] };
const id = (): string => crypto.randomUUID();
const memory = (more: Record<string, unknown> = {}) => ({
  id: id(),
  layer: 'episodic',
  created_at: daysBefore(0),
  expires_at: null,
  deleted_at: null,
  tags: null,
  project: null,
  embeddings: 0,
  ...more,
});

/** A tenant that follows a cadence, without a hint. */
async function followed(estate: Partial<Parameters<typeof storeEstate>[2]> = {}): Promise<string> {
  const tenantId = await addTenant(database());
  await storeEstate(database(), tenantId, { ...EMPTY, ...estate });
  await database().admin("insert into public.tenant_cadences (tenant_id, worker) values ($1, 'retention-purge')", [
    tenantId,
  ]);
  await database().admin('delete from public.due_hints where tenant_id = $1', [tenantId]);
  return tenantId;
}

async function cadence(tenantId: string) {
  const [row] = await database().admin<{ idle: boolean; due_at: Date | null }>(
    "select idle, due_at from public.tenant_cadences where tenant_id = $1 and worker = 'retention-purge'",
    [tenantId],
  );
  return row;
}

async function hints(tenantId: string): Promise<string[]> {
  const rows = await database().admin<{ kind: string }>(
    'select kind from public.due_hints where tenant_id = $1 order by hint_id',
    [tenantId],
  );
  return rows.map(({ kind }) => kind);
}

describe('a tenant of which nothing is due', () => {
  it.each<[what: string, estate: Parameters<typeof followed>[0], policy: Record<string, unknown>, days: number]>([
    ['nothing at all', {}, {}, 2_555],
    ['a memory', { memories: [memory({ created_at: daysBefore(80) })] }, {}, 10],
    ['the oldest of several layers', { memories: [memory(), memory({ layer: 'working' })] }, {}, 7],
    ['a memory with a date of its own', { memories: [memory({ expires_at: daysBefore(-3) })] }, {}, 3],
    ['a memory in grace', { memories: [memory({ created_at: daysBefore(91) })] }, { grace_days: 4 }, 4],
    ['a cost log', { costs: [{ id: id(), project: 'p', at: daysBefore(2_550) }] }, {}, 5 + 1 / 24],
    ['an entry of the audit log', { audit: [daysBefore(2_554)] }, {}, 1],
    ['what never goes', { memories: [memory()] }, { episodic_memories_days: 'never', audit_logs_days: 'never' }, 0],
  ])('is idle until the first of it is: %s', async (_what, estate, policy, days) => {
    const tenantId = await followed(estate);
    await retentionRun(database(), retention, { tenantId, slot: SLOT, policy });
    expect(await cadence(tenantId)).toEqual({
      idle: true,
      due_at: days === 0 ? null : daysBefore(-days),
    });
    expect(await hints(tenantId), 'what retention removes is no news to it').toEqual([]);
  });

  it('is due again when that time comes, and not a day before', async () => {
    const [soon, later] = [await followed(), await followed()];
    await database().admin(
      `update public.tenant_cadences set idle = true,
              due_at = clock_timestamp() + case when tenant_id = $1 then interval '1 minute' else interval '1 day' end
        where tenant_id in ($1, $2)`,
      [soon, later],
    );
    const planner = new Planner({
      database: database().open('rae_scheduler'),
      catalogue: await loadCatalogue(),
      events: { emit: () => undefined } as never,
      clock: systemClock,
      chunk: 1_000,
    });
    await planner.planDue();
    expect(await cadence(soon)).toEqual({ idle: false, due_at: null });
    expect(await cadence(later)).toMatchObject({ idle: true });
  });
});

describe('an idle tenant is told of', () => {
  it.each<[what: string, text: string, kinds: string[]]>([
    ['a memory that is stored', "insert into memories (tenant_id, content) values ($1, 'x')", ['memory']],
    ['a date that a memory is given', 'update memories set expires_at = now() where tenant_id = $1', ['memory']],
    ['a tag that a memory loses', "update memories set tags = '{}' where tenant_id = $1", ['memory']],
    ['another layer', "update memories set layer = 'sensory' where tenant_id = $1", ['memory']],
    ['memories that are removed from under a node', 'delete from memories where tenant_id = $1', ['memory']],
    [
      'cost logs',
      "insert into cost_logs (tenant_id, model, provider, operation) values ($1, 'm', 'p', 'o'), ($1, 'm', 'p', 'o')",
      ['cost_log'],
    ],
    ['nothing by decay', 'update memories set importance = 0.1, last_accessed_at = now() where tenant_id = $1', []],
    ['nothing by a tag that stays', 'update memories set tags = tags where tenant_id = $1', []],
  ])('%s', async (_what, text, kinds) => {
    const [one, node] = [memory({ tags: ['keep'] }), { id: id(), project: 'p', created_at: SLOT }];
    const tenantId = await followed({
      memories: [one, memory({ tags: ['keep'] })],
      nodes: [node],
      evidence: [[one.id, node.id]],
    });
    await database().admin(text, [tenantId]);
    expect(await hints(tenantId)).toEqual(kinds);
  });

  it('a hold that is released', async () => {
    const tenantId = await followed();
    const book = new LegalHoldBook(database().tenants('rae_api'));
    const { hold_id: hold } = await book.place(tenantId, { reason: 'a case', owner: 'legal' });
    expect(await hints(tenantId)).toEqual([]);
    await book.release(tenantId, hold);
    expect(await hints(tenantId)).toEqual(['hold']);
  });
});

describe('the audit log', () => {
  const verified = async (tenantId: string) => {
    const rows = await database()
      .tenants('rae_api')
      .inTenant(tenantId, (tx) =>
        tx.rows({
          name: 'verify',
          text: 'select entries::int, bad_seq::int, why from public.rae_audit_verify()',
        } as never),
      );
    return rows[0];
  };

  it('goes on from a signed checkpoint when its beginning is gone, and tells every change', async () => {
    const tenantId = await followed({ audit: [9, 8, 3, 2].map(daysBefore) });
    expect(await verified(tenantId)).toEqual({ entries: 4, bad_seq: null, why: null });
    await retentionRun(database(), retention, { tenantId, slot: SLOT, policy: { audit_logs_days: 5 } });
    expect(await verified(tenantId)).toEqual({ entries: 3, bad_seq: null, why: null });
    await appendAudit(database(), tenantId, daysBefore(1));
    expect(await verified(tenantId), 'two that stay, the certificate of what went, and one more').toEqual({
      entries: 4,
      bad_seq: null,
      why: null,
    });
    const changed = async (text: string, back: string) => {
      await database().admin(text, [tenantId]);
      const found = await verified(tenantId);
      await database().admin(back, [tenantId]);
      return found;
    };
    expect(
      await changed(
        "update public.audit_log set actor = 'me' where tenant_id = $1 and seq = 4",
        "update public.audit_log set actor = 'test' where tenant_id = $1 and seq = 4",
      ),
    ).toMatchObject({ bad_seq: 4, why: 'it was changed' });
    expect(
      await changed(
        'update public.audit_checkpoints set seq = 1 where tenant_id = $1',
        'update public.audit_checkpoints set seq = 2 where tenant_id = $1',
      ),
    ).toMatchObject({ why: 'the checkpoint is not signed by this fleet' });
    await database().admin('delete from public.audit_log where tenant_id = $1 and seq = 6', [tenantId]);
    expect(await verified(tenantId)).toMatchObject({ bad_seq: 6, why: 'the end is missing' });
  });
});
