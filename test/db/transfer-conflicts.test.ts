import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KindName } from '../../src/transfer/kind.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';
import { fileOf, importInto, jsonl, rejectsIn, useFolder } from '../support/transfer.ts';

const database = useDatabase();
const folder = useFolder();
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
type Row = Readonly<Record<string, unknown>>;

/** What the rows of every kind refer to. */
const THERE = jsonl(
  { kind: 'memories', id: id(1), content: 'one' },
  { kind: 'memories', id: id(2), content: 'two' },
  { kind: 'graph_nodes', id: id(11), node_id: 'a' },
  { kind: 'graph_nodes', id: id(12), node_id: 'b' },
);

interface Conflict {
  readonly kind: KindName;
  /** One that will be there, the same with another value, and one that is new. */
  readonly there: Row;
  readonly changed: Row;
  readonly fresh: Row;
  readonly column: string;
  /** A column that the changed row does not give, and its value. */
  readonly look: string;
  readonly values: readonly [before: unknown, after: unknown];
  readonly where: string;
}

const CONFLICTS: readonly Conflict[] = [
  {
    kind: 'memories',
    there: { id: id(21), content: 'old', source: 'kept' },
    changed: { id: id(21), content: 'new' },
    fresh: { id: id(22), content: 'fresh' },
    column: 'id',
    look: "content || ' ' || source",
    values: ['old kept', 'new kept'],
    where: `id = '${id(21)}'`,
  },
  {
    kind: 'memory_embeddings',
    there: { memory_id: id(1), model_name: 'm', embedding: [1, 2], metadata: { kept: 1 } },
    changed: { memory_id: id(1), model_name: 'm', embedding: [3] },
    fresh: { memory_id: id(2), model_name: 'm', embedding: [4] },
    column: 'model_name',
    look: "embedding::text || ' ' || (metadata ->> 'kept')",
    values: ['{1,2} 1', '{3} 1'],
    where: `memory_id = '${id(1)}'`,
  },
  {
    kind: 'graph_nodes',
    there: { id: id(31), node_id: 'n', label: 'old', properties: { kept: 1 } },
    changed: { id: id(31), node_id: 'n', label: 'new' },
    fresh: { id: id(32), node_id: 'o', label: 'fresh' },
    column: 'node_id',
    look: "label || ' ' || (properties ->> 'kept')",
    values: ['old 1', 'new 1'],
    where: "node_id = 'n'",
  },
  {
    kind: 'graph_triples',
    there: { id: id(41), source: 'a', target: 'b', relation: 'r', properties: { p: 'old' }, created_at: '2026-01-01' },
    changed: { id: id(41), source: 'a', target: 'b', relation: 'r', properties: { p: 'new' } },
    fresh: { id: id(42), source: 'b', target: 'a', relation: 'r' },
    column: 'relation',
    look: "(properties ->> 'p') || ' ' || created_at::date",
    values: ['old 2026-01-01', 'new 2026-01-01'],
    where: `id = '${id(41)}'`,
  },
  {
    kind: 'graph_evidence',
    there: { memory_id: id(1), node_id: id(11), created_at: '2026-01-01' },
    changed: { memory_id: id(1), node_id: id(11), created_at: '2026-02-02' },
    fresh: { memory_id: id(2), node_id: id(11) },
    column: 'memory_id',
    look: 'created_at::date::text',
    values: ['2026-01-01', '2026-02-02'],
    where: `memory_id = '${id(1)}'`,
  },
  {
    kind: 'cost_logs',
    there: { id: id(51), model: 'm', provider: 'p', operation: 'o', total_cost_usd: '0.10', user_id: 'kept' },
    changed: { id: id(51), model: 'm', provider: 'p', operation: 'o', total_cost_usd: '0.25' },
    fresh: { id: id(52), model: 'm', provider: 'p', operation: 'o' },
    column: 'id',
    look: "total_cost_usd::text || ' ' || user_id",
    values: ['0.10 kept', '0.25 kept'],
    where: `id = '${id(51)}'`,
  },
];

async function begun({ kind, there }: Conflict) {
  const tenantId = await addTenant(database());
  await importInto(database(), tenantId, fileOf(folder(), 'there.jsonl', THERE));
  await importInto(database(), tenantId, fileOf(folder(), `${kind}.jsonl`, jsonl(there)));
  return tenantId;
}

async function looked(tenantId: string, { kind, look, where }: Conflict) {
  const [row] = await database().admin<{ value: unknown }>(
    `select ${look} as value from public.${kind} where tenant_id = $1 and ${where}`,
    [tenantId],
  );
  return row?.value;
}

async function counted(tenantId: string, kind: KindName): Promise<number | undefined> {
  const [row] = await database().admin<{ n: number }>(
    `select count(*)::int as n from public.${kind} where tenant_id = $1`,
    [tenantId],
  );
  return row?.n;
}

const named = CONFLICTS.map((one) => [one.kind, one] as const);

describe('a row whose key is there', () => {
  it.each(named)('stays as it is when told to skip: %s', async (_kind, one) => {
    const tenantId = await begun(one);
    const file = fileOf(folder(), `${one.kind}.jsonl`, jsonl(one.changed, one.fresh));
    const { counts } = await importInto(database(), tenantId, file, { onConflict: 'skip' });
    expect(counts).toMatchObject({ read: 2, imported: 1, updated: 0, skipped: 1, rejected: 0 });
    expect(await looked(tenantId, one)).toBe(one.values[0]);
  });

  it.each(named)('gets what the file gives when told to update, once: %s', async (_kind, one) => {
    const tenantId = await begun(one);
    const file = fileOf(folder(), `${one.kind}.jsonl`, jsonl(one.changed, one.fresh));
    const first = await importInto(database(), tenantId, file, { onConflict: 'update' });
    expect(first.counts).toMatchObject({ read: 2, imported: 1, updated: 1, skipped: 0, rejected: 0 });
    expect(await looked(tenantId, one)).toBe(one.values[1]);
    const again = await importInto(database(), tenantId, file, { onConflict: 'update', rejects: `${file}.rejects` });
    expect(again.counts).toMatchObject({ read: 2, imported: 0, updated: 0, skipped: 2, rejected: 0 });
  });

  it.each(named)('ends all of it when told to fail: %s', async (_kind, one) => {
    const tenantId = await begun(one);
    const before = await counted(tenantId, one.kind);
    const file = fileOf(folder(), `${one.kind}.jsonl`, jsonl(one.fresh, one.changed));
    await expect(importInto(database(), tenantId, file, { onConflict: 'fail' })).rejects.toMatchObject({
      code: 'RAE_ROW_INVALID',
      message: expect.stringContaining(`line 2, column ${one.column}: `),
    });
    expect(await counted(tenantId, one.kind)).toBe(before);
    expect(await looked(tenantId, one)).toBe(one.values[0]);
  });

  it.each(named)(
    'is put aside in batches when told to fail, and so is one that is in the file twice: %s',
    async (_kind, one) => {
      const tenantId = await begun(one);
      const file = fileOf(folder(), `${one.kind}.jsonl`, jsonl(one.changed, one.fresh, one.fresh));
      const { counts } = await importInto(database(), tenantId, file, {
        onConflict: 'fail',
        rejects: `${file}.rejects`,
      });
      expect(counts).toMatchObject({ read: 3, imported: 1, updated: 0, skipped: 0, rejected: 2 });
      expect(rejectsIn(`${file}.rejects`)).toEqual([
        { line: 1, kind: one.kind, column: one.column, reason: expect.stringMatching(/already/) },
        { line: 3, kind: one.kind, column: one.column, reason: expect.stringMatching(/twice/) },
      ]);
      expect(await looked(tenantId, one)).toBe(one.values[0]);
    },
  );
});

describe("a memory's own embedding", () => {
  const vectors = async (tenantId: string) =>
    await database().admin(
      `select e.memory_id as id, e.model_name as model, e.embedding::text as vector, e.metadata::text, e.created_at = m.created_at as dated
         from public.memory_embeddings e join public.memories m on m.tenant_id = e.tenant_id and m.id = e.memory_id
        where e.tenant_id = $1 order by 1, 2`,
      [tenantId],
    );
  const of = (n: number, vector: string) => ({
    id: id(n),
    model: 'default',
    vector,
    metadata: '{}',
    dated: true,
  });

  it.each([
    ['all or none', false],
    ['in batches', true],
  ])('goes in with the memory, from JSONL and from what psql writes as CSV: %s', async (_how, batches) => {
    const tenantId = await addTenant(database());
    const lines = jsonl(
      { id: id(1), content: 'a', embedding: [0.5, -1, 2e-3], created_at: '2026-01-01' },
      { id: id(2), content: 'b', embedding: '[0.25,1]' },
      { id: id(3), content: 'c', embedding: null },
      { id: id(4), content: 'd' },
    );
    const cells = `id,tenant_id,content,embedding,created_at\n${id(5)},${tenantId},e,"[1,2,3]",2026-01-01 00:00:00+00\n${id(6)},${tenantId},f,,2026-01-01 00:00:00+00\n`;
    for (const file of [fileOf(folder(), 'memories.jsonl', lines), fileOf(folder(), 'memories.csv', cells)]) {
      const request = batches ? { rejects: `${file}.rejects` } : {};
      const { counts } = await importInto(database(), tenantId, file, request);
      expect(counts).toMatchObject({ imported: counts.read, rejected: 0 });
    }
    const wanted = [of(1, '{0.5,-1,0.002}'), of(2, '{0.25,1}'), of(5, '{1,2,3}')];
    expect(await vectors(tenantId)).toEqual(wanted);
  });

  it('stays with a memory that is skipped, is set by an update, and counts as a change of its memory', async () => {
    const tenantId = await addTenant(database());
    const put = async (onConflict: 'skip' | 'update' | 'fail', ...rows: readonly Row[]) =>
      (await importInto(database(), tenantId, fileOf(folder(), 'memories.jsonl', jsonl(...rows)), { onConflict }))
        .counts;
    await put('skip', { id: id(1), content: 'a', embedding: [1] }, { id: id(2), content: 'b', content_hash: 'h' });
    expect(
      await put('skip', { id: id(1), content: 'a', embedding: [2] }, { id: id(2), content: 'b', embedding: [3] }),
    ).toMatchObject({
      imported: 0,
      skipped: 2,
    });
    expect(await vectors(tenantId)).toEqual([of(1, '{1}')]);
    // One that counts as there by its content brings no embedding either.
    expect(await put('skip', { id: id(3), content: 'b', content_hash: 'h', embedding: [4] })).toMatchObject({
      skipped: 1,
    });
    expect(await put('update', { id: id(1), content: 'a', embedding: [5] })).toMatchObject({ updated: 1, imported: 0 });
    expect(await put('update', { id: id(1), content: 'a', embedding: [5] })).toMatchObject({ updated: 0, skipped: 1 });
    expect(await put('update', { id: id(1), content: 'a', embedding: null })).toMatchObject({ updated: 0, skipped: 1 });
    expect(
      await put('update', { id: id(2), content: 'b', embedding: [6] }, { id: id(4), content: 'n', embedding: [7] }),
    ).toMatchObject({
      updated: 1,
      imported: 1,
    });
    expect(await vectors(tenantId)).toEqual([of(1, '{5}'), of(2, '{6}'), of(4, '{7}')]);
    await expect(
      put('fail', { id: id(8), content: 'x', embedding: [1] }, { id: id(1), content: 'a', embedding: [9] }),
    ).rejects.toMatchObject({
      code: 'RAE_ROW_INVALID',
    });
    expect(await vectors(tenantId)).toHaveLength(3);
  });

  it('is refused by line, column and reason when it is none, in CSV too, and its memory with it', async () => {
    const tenantId = await addTenant(database());
    const [good, bad] = [randomUUID(), randomUUID()];
    const file = fileOf(
      folder(),
      'memories.csv',
      `id,content,embedding\n${good},a,"[1]"\n${bad},b,"[1,secret]"\n${bad},c,0.5\n`,
    );
    const { counts } = await importInto(database(), tenantId, file, { rejects: `${file}.rejects` });
    expect(counts).toMatchObject({ read: 3, imported: 1, rejected: 2 });
    expect(rejectsIn(`${file}.rejects`)).toEqual([
      { line: 3, kind: 'memories', column: 'embedding', reason: expect.stringMatching(/^is not an array/) },
      { line: 4, kind: 'memories', column: 'embedding', reason: expect.stringMatching(/^is not an array/) },
    ]);
  });
});
