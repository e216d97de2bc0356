import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import type { BenchDatabase } from '../bench-database.ts';
import { paired, type Row } from '../row.ts';

const COLUMNS = ['id', 'content', 'importance', 'layer', 'tags', 'created_at', 'last_accessed_at', 'metadata'];

/** The same memories as JSONL, as an export writes them, and as what COPY reads. */
function* rows(memories: number, line: (values: readonly (string | number)[]) => string): Generator<string> {
  let block = '';
  for (let nth = 0; nth < memories; nth += 1) {
    const id = `00000000-0000-4000-8000-${nth.toString(16).padStart(12, '0')}`;
    const at = new Date(1_700_000_000_000 + nth * 1_000).toISOString();
    block += line([
      id,
      `memory ${nth} `.repeat(12),
      (nth % 100) / 100,
      'episodic',
      '{bench}',
      at,
      at,
      '{"source":"bench"}',
    ]);
    if (block.length > 65_536) {
      yield block;
      block = '';
    }
  }
  yield block;
}

const copied = (values: readonly (string | number)[]) => `${values.join('\t')}\n`;
const json = ([id, content, importance, layer, , created, accessed]: readonly (string | number)[]) =>
  `${JSON.stringify({ kind: 'memories', id, content, importance, layer, tags: ['bench'], created_at: created, last_accessed_at: accessed, metadata: { source: 'bench' } })}\n`;

/** Removes what the repeat took in. */
async function emptied(database: BenchDatabase, memories: number): Promise<void> {
  const taken = await database.number('select count(*) from public.memories');
  if (taken !== memories) throw new Error(`${taken} of ${memories} memories were taken in`);
  await database.sql(
    'truncate public.memories, public.memory_tallies, public.memory_deltas, public.transfers, public.due_hints cascade',
  );
  await database.sql('checkpoint');
}

/** COPY into the same table with its indexes, by a superuser, whom row security does not bind; from the same disk. */
async function copy(database: BenchDatabase, file: string, tenant: string): Promise<number> {
  const client = new pg.Client({ connectionString: database.url() });
  await client.connect();
  await client.query(`alter table public.memories alter tenant_id set default '${tenant}'`);
  const started = performance.now();
  await pipeline(createReadStream(file), client.query(from(`copy public.memories (${COLUMNS.join(', ')}) from stdin`)));
  const seconds = (performance.now() - started) / 1_000;
  await client.query('alter table public.memories alter tenant_id drop default');
  await client.end();
  return seconds;
}

/** `rae tenant import` of a file of memories. */
export const imports: Row = {
  id: 'import',
  what: 'rae tenant import of memories as JSONL, from the start of the command to its end',
  against: 'COPY of the same by a superuser, without row security',
  unit: 'rows/s',
  bar: { of: 'ratio', atLeast: 0.4 },
  async measure(stage, repeats) {
    const memories = stage.size(1_000_000, 50_000);
    const [lines, plain] = [join(tmpdir(), `bench-${process.pid}.jsonl`), join(tmpdir(), `bench-${process.pid}.tsv`)];
    try {
      await pipeline(Readable.from(rows(memories, json)), createWriteStream(lines));
      await pipeline(Readable.from(rows(memories, copied)), createWriteStream(plain));
      return await stage.with(async (database) => {
        // Of a plan without a quota of memories, so that the same file may come again.
        const [tenant = ''] = await database.tenants(1, 'enterprise');
        const own = async () => {
          const seconds = await database.command(['tenant', 'import', tenant, '--file', lines], 'admin');
          await emptied(database, memories);
          return memories / seconds;
        };
        const superuser = async () => {
          const seconds = await copy(database, plain, tenant);
          await emptied(database, memories);
          return memories / seconds;
        };
        const pairs = await paired(repeats, own, superuser);
        return {
          samples: pairs.map(([value, reference]) => ({ value, reference })),
          notes: [`${memories} memories of one tenant`],
        };
      });
    } finally {
      for (const file of [lines, plain]) rmSync(file, { force: true });
    }
  },
};
