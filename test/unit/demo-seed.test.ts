import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demoMemory } from '../../src/demo/memory.ts';
import { SeededRandom, seededId } from '../../src/demo/seed.ts';
import { demoTenant } from '../../src/demo/tenant.ts';
import { checkedSchedule } from '../../src/kernel/cron.ts';
import { isUuid } from '../../src/kernel/ids.ts';

const now = new Date('2026-11-23T12:00:00Z');
const tenants = Array.from({ length: 1_000 }, (_, index) => demoTenant(index, now));

describe('the demo', () => {
  it('is the same on every machine and for ever', () => {
    expect(seededId('tenant', 0)).toBe('b2cb5360-bdca-826b-8b9e-5422842608ac');
    expect(demoTenant(12, now)).toEqual(demoTenant(12, now));
    expect(demoMemory(demoTenant(3, now), 17)).toEqual(demoMemory(demoTenant(3, now), 17));
  });

  it('names its things by ids that the fleet accepts and that do not repeat', () => {
    const ids = tenants.flatMap((tenant) => [tenant.tenantId, demoMemory(tenant, 0).id, demoMemory(tenant, 1).id]);
    expect(ids.filter((id) => !isUuid(id))).toEqual([]);
    expect(new Set(ids).size).toBe(3_000);
  });

  it('shows every plan with three tenants, and most tenants are free', () => {
    expect(new Set(tenants.slice(0, 3).map(({ plan }) => plan)).size).toBe(3);
    const free = tenants.filter(({ plan }) => plan === 'free').length;
    expect(free).toBeGreaterThan(600);
    expect(free).toBeLessThan(800);
  });

  it('has one tenant in fifty suspended and one in ten with a schedule of its own', () => {
    expect(tenants.filter(({ status }) => status === 'suspended')).toHaveLength(20);
    const schedules = tenants.flatMap(({ schedule }) => schedule ?? []);
    expect(schedules).toHaveLength(100);
    expect(new Set(schedules.map(({ time_zone }) => time_zone)).size).toBeGreaterThan(4);
    for (const { cron, time_zone: timeZone } of schedules) expect(checkedSchedule({ cron, timeZone })).toBeDefined();
  });

  it('has memories of all layers in the first five of a tenant, each younger than the tenant', () => {
    for (const tenant of tenants.slice(0, 50)) {
      const memories = Array.from({ length: 5 }, (_, index) => demoMemory(tenant, index));
      expect(new Set(memories.map(({ layer }) => layer)).size).toBe(5);
      for (const memory of memories) {
        expect(memory.idle).toBeLessThanOrEqual(memory.age);
        expect(memory.age * 1_000).toBeLessThan(now.getTime() - tenant.createdAt.getTime());
        expect(memory.importance).toBeGreaterThan(0);
        expect(memory.importance).toBeLessThanOrEqual(1);
        expect(tenant.projects).toContain(memory.project);
      }
    }
  });

  it('has random numbers that are spread evenly', () => {
    const number = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(number, number, (first, second) => {
        const random = new SeededRandom(first, second);
        const drawn = Array.from({ length: 400 }, () => random.next());
        expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
        const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
        expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
