import { beforeAll, describe, expect, it } from 'vitest';
import { LegalHoldBook } from '../../src/tenant/legal-hold-book.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Performing, performing } from '../support/performing.ts';
import { retentionRun } from '../support/retention-run.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let retention: Performing;

beforeAll(async () => {
  retention = await performing('retention-purge', database().tenants());
});

const SLOT = new Date('2026-06-15T01:00:00Z');
const TRIPLES = 60;
const EVIDENCE = 'insert into public.graph_evidence (tenant_id, memory_id, node_id) values ($1, $2, $3)';

/** A node with many triples whose only support is due, another node that is supported on, and a memory that stays. */
async function hub(): Promise<{ readonly tenantId: string; readonly memory: string; readonly node: string }> {
  const tenantId = await addTenant(database());
  const [made] = await database().admin<{ memory: string; node: string }>(
    `with old as (insert into public.memories (tenant_id, content, layer, created_at) values ($1, 'old', 'episodic', '2026-01-01') returning id),
          kept as (insert into public.memories (tenant_id, content, layer, created_at) values ($1, 'kept', 'semantic', '2026-06-01') returning id),
          hub as (insert into public.graph_nodes (tenant_id, node_id) values ($1, 'hub') returning id),
          others as (insert into public.graph_nodes (tenant_id, node_id) select $1, 'other ' || n from generate_series(1, $2::int) n returning id)
     select kept.id as memory, hub.id as node from kept, hub, old`,
    [tenantId, TRIPLES],
  );
  if (made === undefined) throw new Error('nothing was made');
  await database().admin(
    `insert into public.graph_triples (tenant_id, source_node_id, target_node_id, relation)
     select $1, $2, id, 'knows' from public.graph_nodes where tenant_id = $1 and node_id like 'other %'`,
    [tenantId, made.node],
  );
  await database().admin(
    `insert into public.graph_evidence (tenant_id, memory_id, node_id)
     select $1, id, $2 from public.memories where tenant_id = $1 and content = 'old'`,
    [tenantId, made.node],
  );
  return { tenantId, ...made };
}

async function left(tenantId: string): Promise<{ hub: number; triples: number }> {
  const [row] = await database().admin<{ hub: number; triples: number }>(
    `select (select count(*)::int from public.graph_nodes where tenant_id = $1 and node_id = 'hub') as hub,
            (select count(*)::int from public.graph_triples where tenant_id = $1) as triples`,
    [tenantId],
  );
  if (row === undefined) throw new Error('nothing was counted');
  return row;
}

const inSteps = (tenantId: string, killedAfter?: number) =>
  retentionRun(database(), retention, {
    tenantId,
    slot: SLOT,
    stepRows: 10,
    ...(killedAfter === undefined ? {} : { killedAfter }),
  });

describe('evidence for a node whose triples are more than a step', () => {
  it('is refused once the first of them are gone, and the node goes with all of them', async () => {
    const { tenantId, memory, node } = await hub();
    await inSteps(tenantId, 1);
    const { hub: nodes, triples } = await left(tenantId);
    expect(nodes).toBe(1);
    expect(triples, 'some of the triples are gone, not all').toSatisfy((n: number) => n > 0 && n < TRIPLES);
    await expect(database().admin(EVIDENCE, [tenantId, memory, node])).rejects.toMatchObject({ code: '23503' });
    await expect(
      database().admin(`${EVIDENCE} on conflict do nothing`, [tenantId, memory, node]),
    ).rejects.toMatchObject({ code: '23503' });
    await inSteps(tenantId);
    expect(await left(tenantId)).toEqual({ hub: 0, triples: 0 });
  });

  it('keeps the node with all of its triples when it comes before that', async () => {
    const { tenantId, memory, node } = await hub();
    await database().admin(EVIDENCE, [tenantId, memory, node]);
    await inSteps(tenantId);
    expect(await left(tenantId)).toEqual({ hub: 1, triples: TRIPLES });
  });

  it('that waits for the step in which the node begins to go is refused when that is committed', async () => {
    const { tenantId, memory, node } = await hub();
    await inSteps(tenantId, 1);
    // Undone, so that the very same step can be held open: as if it had not been taken yet.
    await database().admin('update public.graph_losses set going = false where tenant_id = $1', [tenantId]);
    const before = (await left(tenantId)).triples;
    await connected(database().url('rae_worker'), async (client) => {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [tenantId]);
      await client.query('select from public.graph_nodes where tenant_id = $1 and id = $2 for update', [
        tenantId,
        node,
      ]);
      await client.query('update public.graph_losses set going = true where tenant_id = $1', [tenantId]);
      const late = database()
        .admin(EVIDENCE, [tenantId, memory, node])
        .then(
          () => 'taken',
          (error: { code?: string }) => error.code,
        );
      await eventually(
        async () => {
          const waiting = await database().admin(
            `select from pg_catalog.pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into public.graph_evidence%'`,
          );
          return waiting.length > 0 ? true : undefined;
        },
        { what: 'the evidence to wait for the node' },
      );
      await client.query('commit');
      expect(await late).toBe('23503');
    });
    expect((await left(tenantId)).triples).toBe(before);
  });

  it('is taken again once a hold has stopped the node, which keeps what it has left', async () => {
    const { tenantId, memory, node } = await hub();
    await inSteps(tenantId, 1);
    const { triples } = await left(tenantId);
    const book = new LegalHoldBook(database().tenants('rae_api'));
    await book.place(tenantId, { project: 'default', reason: 'a case', owner: 'legal' });
    await inSteps(tenantId);
    expect(await left(tenantId)).toEqual({ hub: 1, triples });
    await database().admin(EVIDENCE, [tenantId, memory, node]);
    await database().admin('update public.legal_holds set released_at = now() where tenant_id = $1', [tenantId]);
    await inSteps(tenantId);
    expect(await left(tenantId)).toEqual({ hub: 1, triples });
  });

  it('never costs the node part of its triples, whenever it comes', async () => {
    let [kept, gone] = [0, 0];
    for (let steps = 0; steps < 9; steps += 1) {
      const { tenantId, memory, node } = await hub();
      if (steps > 0) await inSteps(tenantId, steps);
      const taken = await database()
        .admin(EVIDENCE, [tenantId, memory, node])
        .then(
          () => true,
          () => false,
        );
      await inSteps(tenantId);
      const expected = taken ? { hub: 1, triples: TRIPLES } : { hub: 0, triples: 0 };
      expect(await left(tenantId), `evidence after ${steps} steps`).toEqual(expected);
      if (taken) kept += 1;
      else gone += 1;
    }
    expect([kept, gone].every((count) => count > 0)).toBe(true);
  });
});
