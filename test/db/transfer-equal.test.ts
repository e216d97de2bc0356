import { describe, expect, it } from 'vitest';
import { KIND_NAMES, type KindName } from '../../src/transfer/kind.ts';
import { useDatabase } from '../support/database.ts';
import { deep, NASTY_TEXTS } from '../support/nasty.ts';
import { addTenant } from '../support/tenants.ts';
import { exported, fileOf, importInto, jsonl, useFolder } from '../support/transfer.ts';

const database = useDatabase();
const folder = useFolder();

const INSTANTS = [
  '2026-01-02T03:04:05.123456Z',
  'infinity',
  '-infinity',
  '0044-03-15 12:00:00+00 BC',
  '12026-02-03T00:00:00Z',
  '1969-12-31T23:59:59.999999+14',
];
const DOCUMENTS = [
  '{}',
  '[]',
  '"text"',
  '0',
  'false',
  '{"": ""}',
  '{"n": 9007199254740993, "f": 0.1000000000000000055511151231257827, "z": 1.0, "e": 1e400, "m": -0.0}',
  '{"a": null, "b": [1, "x\\n", {"c": []}], "é\\"\\\\": "\\u0001"}',
  deep(200),
];
const DOUBLES = ['0.1', '-0', '1e-300', '1.7976931348623157e308', 'Infinity', '-Infinity', 'NaN'];

const of = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

const MONEY = ['0', '1.50', '0.000001', '999999999999.9999999999', '0.00000000000000000001'];
const EMBEDDINGS = [[0.1, -0, 1e-40], [Number.NaN, Number.POSITIVE_INFINITY], [], [3.4028235e38, -16777216]];

/** The id of the row of a kind with this index: rows name each other by it. */
const idAt = (kind: number, index: number): string => `0000000${kind}-0000-4000-8000-${`${index}`.padStart(12, '0')}`;

/** Rows of each kind, as text that Postgres reads, with every odd value somewhere in them. */
const NASTY: Readonly<Record<KindName, (index: number) => Readonly<Record<string, unknown>>>> = {
  memories: (index) => ({
    id: idAt(1, index),
    content: of(NASTY_TEXTS, index),
    source: index % 3 === 0 ? null : of(NASTY_TEXTS, index + 1).slice(0, 200),
    importance: index % 7 === 0 ? null : of(DOUBLES, index),
    layer: of(['episodic', 'sensory', '', null], index),
    tags: of([null, [], [''], ['a', null, 'NULL', 'b"c\\', '{x,y}', ' '], NASTY_TEXTS], index),
    timestamp: of([...INSTANTS, null], index),
    created_at: of(INSTANTS, index + 1),
    last_accessed_at: of([null, ...INSTANTS], index),
    usage_count: of([null, 0, 2_147_483_647, -1], index),
    project: of(['', null, 'default'], index),
    metadata: of([null, ...DOCUMENTS], index),
    agent_id: of(['', 'default', '日本'], index),
    expires_at: of([null, 'infinity'], index),
    memory_type: null,
    strength: of([...DOUBLES, null], index),
    session_id: of(['', null], index),
    info_class: of(['', 'internal'], index),
    governance: of(DOCUMENTS, index),
    human_label: of([...NASTY_TEXTS.map((text) => text.slice(0, 250)), null], index),
    content_hash: index % 2 === 0 ? null : `${index}`.padStart(64, '0'),
    deleted_at: of([null, '2026-11-01T00:00:00.000001Z'], index),
  }),
  memory_embeddings: (index) => ({
    memory_id: idAt(1, index),
    model_name: of(NASTY_TEXTS, index).slice(0, 250),
    embedding: of(EMBEDDINGS, index),
    metadata: of([null, ...DOCUMENTS], index),
    created_at: of(INSTANTS, index),
  }),
  graph_nodes: (index) => ({
    id: idAt(2, index),
    project: of(['default', '', 'é'], index),
    node_id: `${of(NASTY_TEXTS, index).slice(0, 200)}${index}`,
    label: of([...NASTY_TEXTS.map((text) => text.slice(0, 250)), null], index),
    properties: of([null, ...DOCUMENTS], index),
    created_at: of(INSTANTS, index),
    updated_at: of(INSTANTS, index + 1),
  }),
  graph_triples: (index) => ({
    id: idAt(3, index),
    project: of(['default', ''], index),
    source_node_id: idAt(2, index % 30),
    target_node_id: idAt(2, (index + 1) % 30),
    relation: `${of(NASTY_TEXTS, index).slice(0, 200)}${index}`,
    properties: of([null, ...DOCUMENTS], index),
    created_at: of(INSTANTS, index),
  }),
  graph_evidence: (index) => ({
    memory_id: idAt(1, index),
    node_id: index % 2 === 0 ? idAt(2, index % 7) : null,
    triple_id: index % 2 === 0 ? null : idAt(3, index % 7),
    created_at: of(INSTANTS, index),
  }),
  cost_logs: (index) => ({
    id: idAt(4, index),
    project_id: of(['default', ''], index),
    model: of(NASTY_TEXTS, index).slice(0, 250),
    provider: of(['openai', ''], index),
    operation: of(['query', 'embedding'], index),
    input_tokens: of([0, 2_147_483_647], index),
    output_tokens: of([2_147_483_647, 0, 1], index),
    input_cost_per_million: of(MONEY, index),
    output_cost_per_million: of(MONEY, index + 1),
    total_cost_usd: of(MONEY, index + 2),
    cache_hit: of([true, false], index),
    cache_tokens_saved: of([0, -1], index),
    request_id: of(['', null], index),
    user_id: of([null, '日本'], index),
    latency_ms: of([null, 0, 17], index),
    error: of([false, true, true], index),
    error_message: of([null, ...NASTY_TEXTS], index),
    timestamp: of(INSTANTS, index),
  }),
};

async function fill(tenantId: string, kind: KindName, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const row = { tenant_id: tenantId, ...NASTY[kind](index) };
    const columns = Object.keys(row);
    await database().admin(
      `insert into public.${kind} (${columns.map((one) => `"${one}"`).join(', ')})
       values (${columns.map((_one, at) => `$${at + 1}`).join(', ')})`,
      Object.values(row),
    );
  }
}

/** Every row of a tenant but for whose it is, as the server writes it. */
async function rowsOf(tenantId: string, kind: KindName): Promise<string[]> {
  const rows = await database().admin<{ row: string }>(
    `select (to_jsonb(t) - 'tenant_id')::text as row from public.${kind} t where tenant_id = $1 order by 1`,
    [tenantId],
  );
  return rows.map(({ row }) => row);
}

/** The first value that differs, cut short: `tags: [] instead of null`. Undefined where all are equal. */
function difference(found: readonly string[], wanted: readonly string[]): string | undefined {
  if (found.length !== wanted.length) return `${found.length} rows instead of ${wanted.length}`;
  const at = wanted.findIndex((row, index) => row !== found[index]);
  if (at === -1) return undefined;
  const [is, should] = [JSON.parse(found[at] ?? ''), JSON.parse(wanted[at] ?? '')] as Record<string, unknown>[];
  const short = (value: unknown) => JSON.stringify(value)?.slice(0, 100);
  const column = Object.keys(should ?? {}).find((name) => short(is?.[name]) !== short(should?.[name])) ?? 'as text';
  return `${column}: ${short(is?.[column])} instead of ${short(should?.[column])}\n${found[at]?.slice(0, 600)}\n${wanted[at]?.slice(0, 600)}`;
}

describe('what is exported and imported into another tenant', () => {
  it.each(KIND_NAMES.flatMap((kind) => (['jsonl', 'csv'] as const).map((format) => [kind, format] as const)))(
    'is equal in every value: %s as %s',
    async (kind, format) => {
      const tenant = await addTenant(database());
      const other = await addTenant(database());
      const before = KIND_NAMES.slice(0, KIND_NAMES.indexOf(kind));
      for (const needed of before) await fill(tenant, needed, 60);
      await fill(tenant, kind, 60);
      for (const needed of before) {
        const rows = fileOf(folder(), 'rows.jsonl', await exported(database(), tenant, { kinds: [needed] }));
        await importInto(database(), other, rows, { fromTenant: tenant });
      }
      const text = await exported(database(), tenant, { kinds: [kind], format });
      const file = fileOf(folder(), `rows.${format}`, text);
      const report = await importInto(database(), other, file, {
        fromTenant: tenant,
      });
      expect(report.counts).toEqual({
        read: 60,
        imported: 60,
        updated: 0,
        skipped: 0,
        rejected: 0,
      });
      expect(difference(await rowsOf(other, kind), await rowsOf(tenant, kind))).toBeUndefined();
      const again = await importInto(database(), other, file, {
        fromTenant: tenant,
        onConflict: 'update',
      });
      expect(again.counts).toEqual({
        read: 60,
        imported: 0,
        updated: 0,
        skipped: 60,
        rejected: 0,
      });
      expect(await exported(database(), other, { kinds: [kind], format })).toBe(text.replaceAll(tenant, other));
    },
  );

  it.each([
    ['update', { imported: 1, updated: 1, skipped: 0 }, { content: 'second', importance: 0.7 }],
    ['skip', { imported: 1, updated: 0, skipped: 1 }, { content: 'first', importance: 0.7 }],
  ] as const)('of a new row that the file has twice, %s keeps what it says', async (onConflict, counts, kept) => {
    const tenant = await addTenant(database());
    const id = '3f2a0000-0000-4000-8000-000000000001';
    const rows = jsonl({ id, content: 'first', layer: 'working', importance: 0.7 }, { id, content: 'second' });
    const file = fileOf(folder(), 'memories.jsonl', rows);
    const report = await importInto(database(), tenant, file, { kind: 'memories', onConflict });
    expect(report.counts).toMatchObject(counts);
    const stored = 'select content, importance from public.memories where tenant_id = $1';
    expect(await database().admin(stored, [tenant])).toEqual([kept]);
  });

  it('is the whole tenant in one file', async () => {
    const tenant = await addTenant(database());
    const other = await addTenant(database());
    for (const kind of KIND_NAMES) await fill(tenant, kind, 30);
    const file = fileOf(folder(), 'all.jsonl', await exported(database(), tenant));
    const report = await importInto(database(), other, file, {
      fromTenant: tenant,
    });
    expect(report.counts).toMatchObject({
      imported: 30 * KIND_NAMES.length,
      skipped: 0,
    });
    for (const kind of KIND_NAMES)
      expect(difference(await rowsOf(other, kind), await rowsOf(tenant, kind))).toBeUndefined();
  });

  it('is refused without a word on whose rows they are, and nobody else sees any of it', async () => {
    const tenant = await addTenant(database());
    const other = await addTenant(database());
    await fill(tenant, 'memories', 3);
    const file = fileOf(folder(), 'rows.jsonl', await exported(database(), tenant));
    await expect(importInto(database(), other, file)).rejects.toMatchObject({
      code: 'RAE_ROW_INVALID',
      message: expect.stringMatching(/line 1, column tenant_id: is that of another tenant/),
    });
    await expect(importInto(database(), other, file, { fromTenant: other })).rejects.toMatchObject({
      code: 'RAE_ROW_INVALID',
    });
    expect(await rowsOf(other, 'memories')).toEqual([]);
    expect(await exported(database(), other)).toBe('');
  });
});
