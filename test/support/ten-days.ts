import { expect } from 'vitest';
import type { TestDatabase } from './database.ts';
import { enrolled, runCounts, runsOf } from './ledger.ts';
import { changedOtherwise, keepMemories, type MixedMemory, mixOfMemories, storeMix } from './memory-mix.ts';
import type { Random } from './random.ts';
import { addTenant } from './tenants.ts';
import { wronglyDecayed } from './wrongly-decayed.ts';

/** A tenant and what its memories were at the beginning. */
export interface MixedTenant {
  readonly id: string;
  readonly memories: readonly MixedMemory[];
}

/** The ten dates that a fault test decays. */
export const TEN_DAYS: readonly Date[] = Array.from(
  { length: 10 },
  (_none, day) => new Date(Date.UTC(2026, 2, 1 + day, 2)),
);

/** Tenants of all plans with so many memories each, and a copy of all of them as they began. */
export async function mixedTenants(
  database: TestDatabase,
  random: Random,
  sizes: readonly number[],
): Promise<readonly MixedTenant[]> {
  const tenants: MixedTenant[] = [];
  for (const size of sizes) {
    const id = await addTenant(database, { plan: random.pick(['free', 'pro', 'enterprise']) });
    const memories = mixOfMemories(random, size, TEN_DAYS[5] as Date);
    await storeMix(database, id, memories);
    tenants.push({ id, memories });
  }
  await keepMemories(database);
  return tenants;
}

/** Waits until a scheduler knows them. */
export async function enrolledAll(database: TestDatabase, tenants: readonly MixedTenant[]): Promise<void> {
  await enrolled(
    database,
    tenants.map(({ id }) => id),
  );
}

/**
 * For every tenant and slot there is exactly one run and it is done, every memory is what the decay of these dates
 * makes of it, and nothing else of it was changed.
 */
export async function expectEachOnce(
  database: TestDatabase,
  tenants: readonly MixedTenant[],
  slots: readonly Date[],
): Promise<void> {
  const expected = slots.map((slot) => `${slot.toISOString()} done`).sort();
  for (const tenant of tenants) {
    const runs = await runsOf(database, tenant.id);
    const found = runs.map(({ slot, state }) => `${slot.toISOString()} ${state}`);
    expect(found, `a tenant of ${tenant.memories.length} memories; ${await runCounts(database)}`).toEqual(expected);
    expect(await wronglyDecayed(database, tenant, slots)).toEqual([]);
  }
  expect(await changedOtherwise(database)).toBe(0);
}

/** How often leases ran out and attempts failed, over all runs. */
export async function troubles(
  database: TestDatabase,
): Promise<{ readonly lapses: number; readonly failures: number }> {
  const [row] = await database.admin<{ lapses: number; failures: number }>(
    'select coalesce(sum(lapses), 0)::int as lapses, coalesce(sum(failures), 0)::int as failures from public.runs',
  );
  return row ?? { lapses: 0, failures: 0 };
}
