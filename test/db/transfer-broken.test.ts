import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ImportRequest } from '../../src/transfer/import.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';
import { fileOf, importInto, jsonl, rejectsIn, useFolder } from '../support/transfer.ts';

const database = useDatabase();
const folder = useFolder();
const ID = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

async function count(tenantId: string): Promise<number> {
  const [row] = await database().admin<{ n: number }>(
    'select count(*)::int as n from public.memories where tenant_id = $1',
    [tenantId],
  );
  return row?.n ?? -1;
}

/** What an import ends with. */
async function failure(file: string, request: Partial<ImportRequest> & { readonly stdin?: Readable } = {}) {
  const tenant = await addTenant(database());
  const error = await importInto(database(), tenant, file, request).then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string; message: string; hint?: string },
  );
  expect(await count(tenant)).toBe(0);
  return { code: error?.code, says: `${error?.message}\n${error?.hint ?? ''}` };
}

describe('a file that cannot be what it should', () => {
  const memory = { id: ID, content: 'a' };
  it.each<[what: string, name: string, content: string | Buffer, says: RegExp, request?: Partial<ImportRequest>]>([
    ['is empty', 'memories.jsonl', '', /memories\.jsonl is empty/],
    ['holds space only', 'memories.csv', '\n \n', /memories\.csv is empty/],
    ['is compressed', 'memories.jsonl', gzipSync(jsonl(memory)), /is compressed with gzip\n.*gunzip -c/],
    ['is UTF-16', 'memories.csv', Buffer.from('\ufeffid,content\n', 'utf16le'), /is UTF-16\n.*iconv/],
    [
      'is one array',
      'memories.json',
      JSON.stringify([memory]),
      /is one JSON array; expected one JSON object a line\n.*jq/,
    ],
    ['has another delimiter', 'memories.csv', 'id;content\n', /header is one cell.*a comma\n.*--delimiter ';'/],
    ['has a header twice', 'memories.csv', 'id,content,content\n', /line 1: the column content is there twice/],
    [
      'names one column two ways',
      'memories.csv',
      'content,project,project_id\n',
      /project_id is the same column as project/,
    ],
    [
      'has an unknown column',
      'memories.csv',
      'content,importence\n',
      /importence is no column of memories; did you mean importance\?\n.*--ignore-unknown/,
    ],
    ['lacks a column', 'memories.csv', 'id,source\n', /the column content is missing/],
    ['is of no kind', 'rows.csv', 'a,b\n1,2\n', /which kind of rows .* cannot be told from the columns a, b\n.*--kind/],
    ['has a broken header', 'memories.csv', 'id,"content\n', /line 1: the header is cut off: a quote is not closed/],
  ])('is refused in one message when it %s', async (_what, name, content, says, request = {}) => {
    const found = await failure(fileOf(folder(), name, content), request);
    expect(found).toMatchObject({ code: 'RAE_USAGE', says: expect.stringMatching(says) });
  });

  it('is refused when it is not there, a directory, or not to be read', async () => {
    expect(await failure(join(folder(), 'none.csv'))).toMatchObject({
      says: expect.stringMatching(/none\.csv cannot be read: there is no such file/),
    });
    const directory = join(folder(), 'directory');
    mkdirSync(directory);
    expect(await failure(directory)).toMatchObject({ says: expect.stringMatching(/is a directory/) });
    const secret = fileOf(folder(), 'secret.csv', 'id,content\n');
    chmodSync(secret, 0o000);
    // Root may read everything.
    if (process.getuid?.() !== 0) expect((await failure(secret)).says).toMatch(/may not be read by this user/);
  });
});

/** Rows that cannot be taken, each the second of three: its JSONL, and what is said. */
const BAD_ROWS: readonly (readonly [what: string, row: string | Buffer, column: string | null, reason: RegExp])[] = [
  ['a truncated line', '{"id":"3f2a', null, /^is cut off: it is no whole JSON object$/],
  ['no JSON', '{"id": nope, "content": "secret words"}', null, /^is not JSON/],
  ['no object', '[1]', null, /^is a JSON array/],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), null, /^is not valid UTF-8$/],
  ['no content', `{"id":"${ID}"}`, 'content', /^is missing; rows of memories must have it$/],
  ['null for content', `{"id":"${ID}","content":null}`, 'content', /^is null; it must have a value$/],
  ['a bad id', '{"id":"12","content":"a"}', 'id', /^is not a uuid/],
  ['a number for a text', '{"content":5}', 'content', /^is a number; expected text$/],
  ['a text for a number', '{"content":"a","importance":"high"}', 'importance', /^is not a number$/],
  ['a number beyond a double', '{"content":"a","importance":1e999}', 'importance', /out of range/],
  ['half a count', '{"content":"a","usage_count":1.5}', 'usage_count', /^is not a whole number/],
  ['30 February', '{"content":"a","created_at":"2026-02-30"}', 'created_at', /^is not a date and time/],
  ['a local date', '{"content":"a","expires_at":"24.12.2026"}', 'expires_at', /^is not a date and time/],
  ['a tag that is no text', '{"content":"a","tags":[1]}', 'tags', /expected an array of text/],
  ['an array that is none', '{"content":"a","tags":"a,b"}', 'tags', /^is not an array/],
  ['NUL', '{"content":"a\\u0000b"}', 'content', /^holds a NUL character, which Postgres cannot store$/],
  ['NUL in a document', '{"content":"a","metadata":{"k":["\\u0000"]}}', 'metadata', /NUL/],
  ['half a surrogate pair', '{"content":"a","metadata":{"\\ud800":1}}', 'metadata', /surrogate/],
  ['too long a text', `{"content":"a","agent_id":"${'x'.repeat(256)}"}`, 'agent_id', /^is longer than 255 characters$/],
  [
    'a document too deep',
    `{"content":"a","metadata":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    'metadata',
    /too deep/,
  ],
  ['an unknown field', '{"content":"a","tag":[]}', 'tag', /^is no column of memories; did you mean tags\?$/],
  ['an unknown kind', '{"kind":"memoris","content":"a"}', 'kind', /^is no kind of rows; did you mean memories\?$/],
  ['another tenant', `{"content":"a","tenant_id":"${ID}"}`, 'tenant_id', /^is that of another tenant/],
  ['an embedding that is none', '{"content":"a","embedding":"0.1 0.2"}', 'embedding', /^is not an array/],
  [
    'a word in an embedding',
    '{"content":"a","embedding":[0.1,"secret words"]}',
    'embedding',
    /^holds what is not a number$/,
  ],
  ['a gap in an embedding', '{"content":"a","embedding":[0.1,null]}', 'embedding', /^holds what is not a number$/],
  ['a number beyond an embedding', '{"content":"a","embedding":[1e39]}', 'embedding', /^holds a number out of range$/],
  ['an embedding cut off', '{"content":"a","embedding":"[0.1,0.2"}', 'embedding', /^is not an array/],
  ['an embedding in an embedding', '{"content":"a","embedding":[[0.1]]}', 'embedding', /^holds what is not a number$/],
  ['too long a line', `{"content":"${'x'.repeat(17 * 1024 * 1024)}"}`, null, /^is longer than 16 MiB$/],
];

describe('a row that cannot be taken', () => {
  const good = (content: string) => Buffer.from(jsonl({ id: randomUUID(), content }));
  const withRow = (row: string | Buffer) =>
    Buffer.concat([good('first'), Buffer.from(row), Buffer.from('\n'), good('third')]);

  it.each(BAD_ROWS)(
    'stops an import of all or nothing, with line and column: %s',
    async (_what, row, column, reason) => {
      const { code, says } = await failure(fileOf(folder(), 'memories.jsonl', withRow(row)));
      expect(code).toBe('RAE_ROW_INVALID');
      const [, found = '', said = ''] = /memories\.jsonl, line 2(?:, column (\w+))?: (.*)\n/.exec(says) ?? [];
      expect(found).toBe(column ?? '');
      expect(said).toMatch(reason);
      expect(says).not.toContain('secret words');
    },
  );

  it.each(BAD_ROWS)('is put aside in batches, and the rest goes in: %s', async (_what, row, column, reason) => {
    const tenant = await addTenant(database());
    const file = fileOf(folder(), 'memories.jsonl', withRow(row));
    const report = await importInto(database(), tenant, file, { rejects: `${file}.rejects` });
    expect(report.counts).toEqual({ read: 3, imported: 2, updated: 0, skipped: 0, rejected: 1 });
    expect(await count(tenant)).toBe(2);
    expect(rejectsIn(`${file}.rejects`)).toEqual([
      { line: 2, kind: 'memories', column, reason: expect.stringMatching(reason) },
    ]);
  });
});

describe('a CSV file with broken rows', () => {
  const text = [
    '\ufeffid,content,tags,metadata,importance',
    `${randomUUID()},"two`,
    'lines, ""quoted""",{a,b},,',
    `${randomUUID()},ragged`,
    `${randomUUID()},ok,"[""x""]","{""a"": 1}",`,
    `${randomUUID()},stray"quote,,,`,
    `${randomUUID()},"text" behind,,,`,
    `${randomUUID()},bad,,{,`,
    `${randomUUID()},bad,,,one`,
    `${randomUUID()},"never closed,,,`,
    `${randomUUID()},last,"{a,""b c"",NULL}",,0.25`,
    `${randomUUID()},"cut off`,
  ];

  it('has those refused by line and column, and the rest taken', async () => {
    const tenant = await addTenant(database());
    const file = fileOf(folder(), 'memories.csv', text.join('\r\n'));
    const report = await importInto(database(), tenant, file, { rejects: `${file}.rejects` });
    expect(rejectsIn(`${file}.rejects`).map(({ line, column, reason }) => `${line} ${column}: ${reason}`)).toEqual([
      '2 null: has 6 cells, the header 5',
      '4 null: has 2 cells, the header 5',
      '6 null: has a quote within a cell that does not begin with one, in cell 2',
      '7 null: has text behind a closing quote, in cell 2',
      '8 metadata: is not JSON',
      '9 importance: is not a number',
      '10 null: has text behind a closing quote, in cell 2',
      '12 null: is cut off: a quote is not closed',
    ]);
    expect(report.counts).toMatchObject({ read: 10, imported: 2, rejected: 8 });
    const rows = await database().admin(
      'select content, tags, metadata, importance from public.memories where tenant_id = $1 order by 1',
      [tenant],
    );
    expect(rows).toEqual([
      { content: 'last', tags: ['a', 'b c', null], metadata: null, importance: 0.25 },
      { content: 'ok', tags: ['x'], metadata: { a: 1 }, importance: null },
    ]);
  });

  it('with another delimiter, quoted line breaks and no line break at its end is read when told', async () => {
    const tenant = await addTenant(database());
    const file = fileOf(folder(), 'x.csv', 'content;source;project\n"a;\nb";"";\n"c ""d""";s;p');
    const report = await importInto(database(), tenant, file, { delimiter: ';', kind: 'memories' });
    expect(report.counts).toMatchObject({ read: 2, imported: 2 });
    const rows = await database().admin(
      'select content, source, project from public.memories where tenant_id = $1 order by 1',
      [tenant],
    );
    expect(rows).toEqual([
      { content: 'a;\nb', source: '', project: null },
      { content: 'c "d"', source: 's', project: 'p' },
    ]);
  });
});

describe('rows as the original has them', () => {
  it('go in with its names of layers and columns, and its own dates', async () => {
    const tenant = await addTenant(database());
    const layers = ['em', 'stm', 'wm', 'ltm', 'sm', 'rm', 'sensory'];
    const rows = layers.map((layer, index) => ({
      ...{ id: randomUUID(), tenant_id: 'acme', content: `${index}`, layer, project_id: 'p' },
      created_at: '2025-03-01T10:00:00.000001+02:00',
    }));
    const report = await importInto(database(), tenant, '-', {
      fromTenant: 'acme',
      stdin: Readable.from([Buffer.from(jsonl(...rows))]),
    });
    expect(report).toMatchObject({ format: 'jsonl', counts: { imported: 7 } });
    const found = await database().admin(
      `select layer, project, created_at::text, last_accessed_at = created_at as same from public.memories where tenant_id = $1 order by content`,
      [tenant],
    );
    expect(found.map(({ layer }) => layer)).toEqual([
      'episodic',
      'working',
      'working',
      'semantic',
      'semantic',
      'reflective',
      'sensory',
    ]);
    expect(found[0]).toMatchObject({ project: 'p', same: true, created_at: expect.stringMatching(/08:00:00\.000001/) });
  });

  it('with unknown columns go in when asked, and each column is named once', async () => {
    const tenant = await addTenant(database());
    const file = fileOf(
      folder(),
      'memories.jsonl',
      jsonl({ content: 'a', vector_id: 1 }, { content: 'b', vector_id: 2 }),
    );
    const ignored: string[] = [];
    await importInto(database(), tenant, file, {
      ignoreUnknown: true,
      onIgnored: (kind, column) => ignored.push(`${kind} ${column}`),
    });
    expect(ignored).toEqual(['memories vector_id']);
    expect(await count(tenant)).toBe(2);
  });

  it('without ids are the same rows when they come again', async () => {
    const tenant = await addTenant(database());
    const file = fileOf(folder(), 'memories.jsonl', jsonl({ content: 'a' }, { content: 'b' }, { content: 'a' }));
    expect((await importInto(database(), tenant, file)).counts).toMatchObject({ imported: 2, skipped: 1 });
    expect((await importInto(database(), tenant, file)).counts).toMatchObject({ imported: 0, skipped: 3 });
  });
});

describe('a memory that is there already', () => {
  const hints = async (tenantId: string) =>
    (await database().admin('delete from public.due_hints where tenant_id = $1 returning 1 as hint', [tenantId]))
      .length;

  it('stays, is changed or is a fault, as asked; and an idle tenant hears of what changed', async () => {
    const tenant = await addTenant(database());
    const [id, other] = [randomUUID(), randomUUID()];
    const hash = 'f'.repeat(64);
    await importInto(
      database(),
      tenant,
      fileOf(folder(), 'memories.jsonl', jsonl({ id, content: 'old', content_hash: hash })),
    );
    expect(await hints(tenant)).toBeGreaterThan(0);
    const file = fileOf(
      folder(),
      'memories.jsonl',
      jsonl({ id, content: 'new', content_hash: hash }, { id: other, content: 'other' }),
    );
    const content = async () =>
      (await database().admin('select content from public.memories where id = $1', [id])).map((row) => row.content)[0];

    expect((await importInto(database(), tenant, file)).counts).toMatchObject({ imported: 1, skipped: 1 });
    expect(await content()).toBe('old');
    await hints(tenant);
    await expect(importInto(database(), tenant, file, { onConflict: 'fail' })).rejects.toMatchObject({
      message: expect.stringMatching(/line 1, column id: is there already/),
    });
    expect(await hints(tenant)).toBe(0);
    expect((await importInto(database(), tenant, file, { onConflict: 'update' })).counts).toMatchObject({
      updated: 1,
      skipped: 1,
    });
    expect(await content()).toBe('new');
    expect(await hints(tenant)).toBeGreaterThan(0);
    const same = fileOf(folder(), 'memories.jsonl', jsonl({ id: other, content: 'x', content_hash: hash }));
    await expect(importInto(database(), tenant, same, { onConflict: 'update' })).rejects.toMatchObject({
      message: expect.stringMatching(/line 1, column content_hash: is that of another memory of this tenant/),
    });
  });
});
