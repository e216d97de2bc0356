import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { isConflict } from '../../src/db/sqlstate.ts';
import { LegalHoldBook } from '../../src/tenant/legal-hold-book.ts';
import { PolicyBook } from '../../src/tenant/policy-book.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Performing, performing } from '../support/performing.ts';
import { query } from '../support/query.ts';
import { retentionRun } from '../support/retention-run.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let retention: Performing;

beforeAll(async () => {
  retention = await performing('retention-purge', database().tenants());
});

const SLOT = new Date('2026-06-15T01:00:00Z');
const MEMORIES = 60;
const RACES = Number(process.env.TEST_RUNS ?? 20);

/** A tenant whose memories are all due: episodic, a hundred days old. */
async function dueTenant(): Promise<string> {
  const tenantId = await addTenant(database());
  await database().admin(
    `insert into public.memories (tenant_id, content, layer, created_at)
     select $1, 'text', 'episodic', $2::timestamptz - interval '100 days' - n * interval '1 second' from generate_series(1, $3::int) n`,
    [tenantId, SLOT, MEMORIES],
  );
  return tenantId;
}

async function memoriesOf(tenantId: string): Promise<number> {
  const [row] = await database().admin<{ n: number }>(
    'select count(*)::int as n from public.memories where tenant_id = $1',
    [tenantId],
  );
  return row?.n ?? -1;
}

/** Runs retention in small steps by the stored policy, again where it lost to somebody, as the ledger does. @returns how often it lost. */
async function run(tenantId: string): Promise<number> {
  for (let lost = 0; ; lost += 1) {
    try {
      await retentionRun(database(), retention, { tenantId, slot: SLOT, stepRows: 10 });
      return lost;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}

/** Changes something while retention runs, when so many memories are gone. @returns how many memories were there when the change was committed, and at the end. */
async function raced(tenantId: string, change: () => Promise<unknown>, gone: number) {
  const changing = async () => {
    for (let left = MEMORIES; left > MEMORIES - gone; ) left = await memoriesOf(tenantId);
    await change();
    return await memoriesOf(tenantId);
  };
  const [when] = await Promise.all([changing(), run(tenantId)]);
  return { when, end: await memoriesOf(tenantId) };
}

/** Has the change at another moment of the run each time; some must have been in the middle of one. */
async function always(change: (tenantId: string) => Promise<unknown>): Promise<void> {
  let between = 0;
  for (let race = 0; race < RACES; race += 1) {
    const tenantId = await dueTenant();
    const { when, end } = await raced(tenantId, () => change(tenantId), (race % 4) * 10);
    expect(end, 'nothing goes once the change is committed').toBe(when);
    if (end > 0 && end < MEMORIES) between += 1;
    expect(await run(tenantId), 'nothing stands in the way of the next run').toBe(0);
    expect(await memoriesOf(tenantId)).toBe(end);
  }
  expect(between, 'some changes came in the middle of a run').toBeGreaterThan(0);
}

describe('retention that races', () => {
  it('with a policy edit removes nothing that the new policy keeps, once that is stored', async () => {
    const { worker } = retention;
    const schema = {
      schema: worker.definition.contract.policy,
      fingerprint: worker.fingerprint,
      defaults: worker.defaultPolicy,
    };
    const book = new PolicyBook(database().tenants('rae_api'), new Map([[worker.name, schema]]));
    await always((tenantId) => book.set(tenantId, worker.name, { episodic_memories_days: 'never' }));
  });

  it('with a policy that is written past the policy book removes nothing more', async () => {
    const long = JSON.stringify({ ...retention.worker.defaultPolicy, episodic_memories_days: 365 });
    await always((tenantId) =>
      database()
        .tenants('rae_api')
        .inTenant(tenantId, (tx) =>
          tx.rows(
            query(
              `insert into public.policies (tenant_id, worker, document, effective, checked)
               values ($1, 'retention-purge', $2::jsonb, $2::jsonb, $3 || md5($2::jsonb::text))`,
            ),
            [tenantId, long, retention.worker.fingerprint],
          ),
        ),
    );
  });

  it('with a new hold of all of the tenant removes nothing once that is placed', async () => {
    const book = new LegalHoldBook(database().tenants('rae_api'));
    await always((tenantId) => book.place(tenantId, { reason: 'a case', owner: 'legal' }));
  });

  it('with a tag that protects a memory keeps every memory that was given it', async () => {
    let kept = 0;
    for (let race = 0; race < RACES; race += 1) {
      const tenantId = await dueTenant();
      await database().admin(
        "insert into public.policies (tenant_id, worker, document, effective, checked) values ($1, 'retention-purge', $2, $2, $3 || md5($2::jsonb::text))",
        [
          tenantId,
          JSON.stringify({ ...retention.worker.defaultPolicy, protected_tags: ['keep'] }),
          retention.worker.fingerprint,
        ],
      );
      const rows = await database().admin<{ id: string }>('select id from public.memories where tenant_id = $1', [
        tenantId,
      ]);
      const tagged: string[] = [];
      const tagging = async () => {
        for (const { id } of rows.reverse()) {
          const found = await database().admin<{ id: string }>(
            "update public.memories set tags = '{keep}' where tenant_id = $1 and id = $2 returning id",
            [tenantId, id],
          );
          tagged.push(...found.map((row) => row.id));
        }
      };
      await Promise.all([run(tenantId), tagging()]);
      const left = await database().admin<{ id: string }>('select id from public.memories where tenant_id = $1', [
        tenantId,
      ]);
      expect(left.map(({ id }) => id).sort()).toEqual(tagged.sort());
      kept += tagged.length;
    }
    expect(kept).toBeGreaterThan(0);
  });

  it('with new evidence keeps every node that was given some', async () => {
    let given = 0;
    for (let race = 0; race < RACES; race += 1) {
      const tenantId = await dueTenant();
      const [fresh] = await database().admin<{ id: string }>(
        "insert into public.memories (tenant_id, content, layer, created_at) values ($1, 'text', 'semantic', $2) returning id",
        [tenantId, SLOT],
      );
      const nodes = await database().admin<{ id: string }>(
        `with made as (insert into public.graph_nodes (tenant_id, node_id) select $1, n::text from generate_series(1, 20) n returning id)
         select id from made`,
        [tenantId],
      );
      await database().admin(
        `insert into public.graph_evidence (tenant_id, memory_id, node_id)
         select $1, (select id from public.memories where tenant_id = $1 and layer = 'episodic' limit 1), id from unnest($2::uuid[]) id`,
        [tenantId, nodes.map(({ id }) => id)],
      );
      const supported: string[] = [];
      const supporting = async () => {
        for (const { id } of nodes) {
          try {
            await database().admin(
              'insert into public.graph_evidence (tenant_id, memory_id, node_id) values ($1, $2, $3)',
              [tenantId, fresh?.id, id],
            );
            supported.push(id);
          } catch (error) {
            // The node is gone: the reference is refused.
            if ((error as { code?: string }).code !== '23503') throw error;
          }
        }
      };
      await Promise.all([run(tenantId), supporting()]);
      const left = await database().admin<{ id: string }>('select id from public.graph_nodes where tenant_id = $1', [
        tenantId,
      ]);
      expect(left.map(({ id }) => id).sort()).toEqual(supported.sort());
      given += supported.length;
    }
    expect(given).toBeGreaterThan(0);
  });

  it('with arriving memories never declares the tenant idle for good', async () => {
    let behind = 0;
    for (let race = 0; race < RACES; race += 1) {
      const tenantId = await dueTenant();
      await database().admin("insert into public.tenant_cadences (tenant_id, worker) values ($1, 'retention-purge')", [
        tenantId,
      ]);
      await database().admin('delete from public.due_hints where tenant_id = $1', [tenantId]);
      const arriving = async () => {
        // Behind the place that the run has come to.
        for (let left = MEMORIES; left === MEMORIES; ) left = await memoriesOf(tenantId);
        await database().admin(
          "insert into public.memories (tenant_id, id, content, layer, created_at) values ($1, $2, 'text', 'sensory', $3)",
          [tenantId, randomUUID(), new Date('2026-01-01T00:00:00Z')],
        );
      };
      await Promise.all([run(tenantId), arriving()]);
      const [state] = await database().admin<{ due: boolean; left: number }>(
        `select (select count(*)::int from public.memories where tenant_id = $1) as left,
                exists (select from public.due_hints where tenant_id = $1)
                or exists (select from public.tenant_cadences where tenant_id = $1 and not idle) as due`,
        [tenantId],
      );
      if (state?.left !== 0) behind += 1;
      expect(state?.left === 0 || state?.due).toBe(true);
    }
    expect(behind, 'some came behind the place where the run was').toBeGreaterThan(0);
  });
});

/** Runs retention while another transaction has done `first`, and commits that, after `then`, once retention waits for it. */
async function whileHeld(tenantId: string, first: string, then = 'select 1'): Promise<'done' | 'conflict'> {
  return await connected(database().url('rae_api'), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [tenantId]);
    await client.query(first, first.includes('$1') ? [tenantId] : []);
    const running = retentionRun(database(), retention, { tenantId, slot: SLOT }).then(
      () => 'done' as const,
      (error: unknown) => {
        if (isConflict(error)) return 'conflict' as const;
        throw error;
      },
    );
    await eventually(
      async () => {
        const waiting = await database().admin(
          `select from pg_catalog.pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and application_name = 'rae test rae_worker'`,
        );
        return waiting.length > 0 ? true : undefined;
      },
      { what: 'retention to wait' },
    );
    await client.query(then, then.includes('$1') ? [tenantId] : []);
    await client.query('commit');
    return await running;
  });
}

describe('retention that has to wait', () => {
  it('for a policy edit begins again with what was stored, though it had read the old one', async () => {
    const tenantId = await dueTenant();
    const edit =
      "insert into public.policies (tenant_id, worker, document) values ($1, 'retention-purge', '{\"episodic_memories_days\": 365}')";
    expect(await whileHeld(tenantId, 'select public.rae_retention_lock($1)', edit)).toBe('conflict');
    expect(await memoriesOf(tenantId)).toBe(MEMORIES);
  });

  it('for a hold knows it', async () => {
    const tenantId = await dueTenant();
    const hold = "insert into public.legal_holds (tenant_id, reason, owner) values ($1, 'a case', 'legal')";
    expect(await whileHeld(tenantId, hold)).toBe('done');
    expect(await memoriesOf(tenantId)).toBe(MEMORIES);
  });

  it('for new evidence of a node keeps the node', async () => {
    const tenantId = await dueTenant();
    await database().admin(
      `insert into public.memories (tenant_id, id, content, layer, created_at) values ($1, $1, 'text', 'semantic', $2)`,
      [tenantId, SLOT],
    );
    await database().admin("insert into public.graph_nodes (tenant_id, id, node_id) values ($1, $1, 'n')", [tenantId]);
    await database().admin(
      `insert into public.graph_evidence (tenant_id, memory_id, node_id)
       select $1, id, $1 from public.memories where tenant_id = $1 and layer = 'episodic' limit 1`,
      [tenantId],
    );
    const support = 'insert into public.graph_evidence (tenant_id, memory_id, node_id) values ($1, $1, $1)';
    expect(await whileHeld(tenantId, support)).toBe('done');
    const left = await database().admin('select from public.graph_evidence where tenant_id = $1', [tenantId]);
    expect(left).toHaveLength(1);
    expect(await memoriesOf(tenantId)).toBe(1);
  });
});
