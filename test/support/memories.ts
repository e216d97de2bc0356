import { randomUUID } from 'node:crypto';
import type { TestDatabase } from './database.ts';

/** A memory as a test gives it; what is left out has the schema's default. */
export interface MemoryColumns {
  readonly id?: string;
  readonly importance?: number | null;
  readonly layer?: string | null;
  readonly created_at?: Date;
  readonly last_accessed_at?: Date | null;
  readonly content?: string;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A row of memories as the server has it, with the number of the transaction that wrote it last. */
export type MemoryRow = Readonly<Record<string, unknown>> & { readonly id: string; readonly importance: number | null };

/** Stores memories of a tenant and gives their ids, in the order given. */
export async function addMemories(
  database: TestDatabase,
  tenantId: string,
  memories: readonly MemoryColumns[],
): Promise<string[]> {
  const rows = memories.map((memory) => ({
    id: randomUUID(),
    content: 'text',
    importance: 0.5,
    layer: 'episodic',
    created_at: new Date(),
    last_accessed_at: null,
    tags: [],
    metadata: {},
    ...memory,
  }));
  await database.admin(
    `insert into public.memories (tenant_id, id, content, importance, layer, created_at, last_accessed_at, tags, metadata)
     select $1, id, content, importance, layer, created_at, last_accessed_at, tags, metadata
       from jsonb_to_recordset($2::jsonb) r (id uuid, content text, importance float8, layer text, created_at timestamptz,
         last_accessed_at timestamptz, tags text[], metadata jsonb)`,
    [tenantId, JSON.stringify(rows)],
  );
  return rows.map((row) => row.id);
}

/** Every memory of the tenant with all its columns, by id. */
export async function readMemories(database: TestDatabase, tenantId: string): Promise<ReadonlyMap<string, MemoryRow>> {
  const rows = await database.admin<MemoryRow>(
    'select *, xmin::text as written_by from public.memories where tenant_id = $1 order by id',
    [tenantId],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
