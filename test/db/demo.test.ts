import { describe, expect, it } from 'vitest';
import { type DemoPorts, makeDemo } from '../../src/demo/demo.ts';
import { seededId } from '../../src/demo/seed.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { PolicyBook } from '../../src/tenant/policy-book.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

async function ports(database: TestDatabase): Promise<DemoPorts> {
  const { definition, fingerprint, defaultPolicy } = (await loadCatalogue()).get('decay');
  const schema = { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy };
  const tenants = database.tenants('rae_api', { poolSize: 4 });
  return {
    registry: database.open('rae_operator'),
    tenants,
    policies: new PolicyBook(tenants, new Map([['decay', schema]])),
    scheduled: ['decay'],
    clock: systemClock,
  };
}

/** Everything there is, as one number per table: equal where nothing was changed. */
async function contents(database: TestDatabase) {
  const [row] = await database.admin(`select
    (select count(*)::int from public.tenants) as tenants, (select count(*)::int from public.memories) as memories,
    (select md5(string_agg(t::text, '|' order by t.tenant_id)) from public.tenants t) as all_tenants,
    (select md5(string_agg(p::text, '|' order by p.tenant_id, p.name)) from public.projects p) as all_projects,
    (select md5(string_agg(p::text, '|' order by p.tenant_id)) from public.policies p) as all_policies,
    (select md5(string_agg(m::text, '|' order by m.tenant_id, m.id)) from public.memories m) as all_memories`);
  return row;
}

async function withDatabase(work: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await createDatabase();
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

describe('the demo tenants', () => {
  it('are exactly as many as asked for, of all plans, with all layers, and once more changes nothing', () =>
    withDatabase(async (database) => {
      const demo = await ports(database);
      const made = await makeDemo(demo, { tenants: 120, memories: 6_000 });
      expect(made).toEqual({ tenants: { made: 120, total: 120 }, memories: { made: 6_000, total: 6_000 } });
      const before = await contents(database);
      expect(before).toMatchObject({ tenants: 120, memories: 6_000 });
      expect(await database.admin('select plan from public.tenants group by 1')).toHaveLength(3);
      expect(await database.admin("select from public.tenants where status = 'suspended'")).toHaveLength(2);
      expect(await database.admin('select layer from public.memories group by 1')).toHaveLength(5);
      expect(await database.admin('select from public.policies where cron is not null')).toHaveLength(12);
      const again = await makeDemo(demo, { tenants: 120, memories: 6_000 });
      expect(again).toEqual({ tenants: { made: 0, total: 120 }, memories: { made: 0, total: 6_000 } });
      expect(await contents(database)).toEqual(before);
    }));

  it('grow to what is asked for, and a smaller request takes nothing away', () =>
    withDatabase(async (database) => {
      const demo = await ports(database);
      await makeDemo(demo, { tenants: 5, memories: 500 });
      for (const [tenants, memories] of [
        [40, 500],
        [40, 2_500],
        [60, 2_600],
      ] as const) {
        expect(await makeDemo(demo, { tenants, memories })).toMatchObject({
          tenants: { total: tenants },
          memories: { total: memories },
        });
        expect(await contents(database)).toMatchObject({ tenants, memories });
      }
      const before = await contents(database);
      await makeDemo(demo, { tenants: 3, memories: 10 });
      expect(await contents(database)).toEqual(before);
    }));

  it('are finished after their making was cut off', () =>
    withDatabase(async (database) => {
      const demo = await ports(database);
      const failing: DemoPorts = {
        ...demo,
        registry: Object.assign(Object.create(demo.registry), {
          rows: async (...call: Parameters<DemoPorts['registry']['rows']>) => {
            if (call[0].name === 'finish') throw new Error('cut off');
            return demo.registry.rows(...call);
          },
        }),
      };
      await expect(makeDemo(failing, { tenants: 30, memories: 900 })).rejects.toThrow('cut off');
      expect(await makeDemo(demo, { tenants: 30, memories: 900 })).toMatchObject({ memories: { total: 900 } });
      expect(await contents(database)).toMatchObject({ tenants: 30, memories: 900 });
    }));

  it('keep what has happened to them since', () =>
    withDatabase(async (database) => {
      const demo = await ports(database);
      await makeDemo(demo, { tenants: 10, memories: 300 });
      const tenantId = seededId('tenant', 7);
      await demo.policies.set(tenantId, 'decay', { rate: 0.5 });
      await database.admin('delete from public.memories where tenant_id = $1', [tenantId]);
      await database.admin("update public.tenants set status = 'suspended' where tenant_id = $1", [tenantId]);
      const before = await contents(database);
      await makeDemo(demo, { tenants: 10, memories: 300 });
      expect(await contents(database)).toEqual(before);
    }));

  it.each([
    [0, 10],
    [1.5, 10],
    [10, -1],
    [Number.NaN, 10],
    [2_000_000, 10],
  ])('are refused where their numbers cannot be: %d tenants, %d memories', (tenants, memories) =>
    withDatabase(async (database) => {
      await expect(makeDemo(await ports(database), { tenants, memories })).rejects.toMatchObject({ code: 'RAE_USAGE' });
    }),
  );
});
