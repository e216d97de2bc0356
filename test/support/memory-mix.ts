import type { TestDatabase } from './database.ts';
import { addMemories, type MemoryColumns } from './memories.ts';
import type { Random } from './random.ts';

const DAY_MS = 86_400_000;
const LAYERS = ['sensory', 'working', 'episodic', 'semantic', 'reflective'] as const;

/** A memory as far as decay looks at it. */
export type MixedMemory = Required<
  Pick<MemoryColumns, 'id' | 'importance' | 'layer' | 'created_at' | 'last_accessed_at'>
>;

/**
 * Memories of every kind around the instant `at`: old and fresh, idle for long and accessed after it, on the borders of
 * the seven and the thirty days, under the floor, without importance, and stored on a later date.
 */
export function mixOfMemories(random: Random, count: number, at: Date): readonly MixedMemory[] {
  const before = (days: number) => new Date(Math.round(at.getTime() - days * DAY_MS));
  const accesses = [
    () => before(random.between(0, 90)),
    () => before(random.pick([7, 30, 7.000001, 29.999999])),
    () => before(random.between(-12, 0)),
    () => null,
  ];
  return Array.from({ length: count }, () => ({
    id: random.uuid(),
    importance: random.below(20) === 0 ? random.pick([null, 0.01, 0.005, 0]) : random.between(0.02, 1),
    layer: random.pick(LAYERS),
    created_at: before(random.below(5) === 0 ? random.between(-12, 0) : random.between(0, 200)),
    last_accessed_at: random.pick(accesses)(),
  }));
}

/** Stores them for the tenant, with content, tags and metadata that must never change. */
export async function storeMix(
  database: TestDatabase,
  tenantId: string,
  memories: readonly MixedMemory[],
): Promise<void> {
  await addMemories(
    database,
    tenantId,
    memories.map((memory) => ({
      ...memory,
      content: `content of ${memory.id}`,
      tags: ['tag', String(memory.layer)],
      metadata: { of: memory.id },
    })),
  );
}

/** Keeps a copy of all memories as they are now, out of the services' sight. */
export async function keepMemories(database: TestDatabase): Promise<void> {
  await database.admin('create schema if not exists kept; drop table if exists kept.memories');
  await database.admin('create table kept.memories as table public.memories');
}

/** How many memories differ from the kept ones in anything but their importance, or are on one side only. */
export async function changedOtherwise(database: TestDatabase): Promise<number> {
  const [row] = await database.admin<{ changed: number }>(
    `select count(*)::int as changed from kept.memories k full join public.memories m using (tenant_id, id)
      where (to_jsonb(k) - 'importance') is distinct from (to_jsonb(m) - 'importance')`,
  );
  return row?.changed ?? -1;
}
