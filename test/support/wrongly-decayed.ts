import type { TestDatabase } from './database.ts';
import { DEFAULT_RULES, type DecayRules, decayed } from './decay-arithmetic.ts';
import type { MixedMemory } from './memory-mix.ts';

/**
 * The memories of a tenant whose importance is not, within 1e-9, what the decay of these dates makes of what they began
 * with: each as a line to read. None missing, none too many.
 */
export async function wronglyDecayed(
  database: TestDatabase,
  tenant: { readonly id: string; readonly memories: readonly MixedMemory[] },
  slots: readonly Date[],
  rules: Partial<DecayRules> = {},
): Promise<readonly string[]> {
  const rows = await database.admin<{ id: string; importance: number | null }>(
    'select id, importance from public.memories where tenant_id = $1',
    [tenant.id],
  );
  const now = new Map(rows.map(({ id, importance }) => [id, importance]));
  const { memories } = tenant;
  const lines = now.size === memories.length ? [] : [`${now.size} memories instead of ${memories.length}`];
  for (const memory of memories) {
    const expected = decayed(memory, { ...DEFAULT_RULES, ...rules }, slots);
    const found = now.get(memory.id);
    if (found === expected) continue;
    if (typeof found === 'number' && expected !== null && Math.abs(found - expected) <= 1e-9) continue;
    lines.push(`${memory.id}: ${found} instead of ${expected}, from ${memory.importance}`);
  }
  return lines;
}
