import { describe, expect, it } from 'vitest';
import { makeDemo } from '../../src/demo/demo.ts';
import { demoRules } from '../../src/demo/rules.ts';
import { seededId } from '../../src/demo/seed.ts';
import { Showcase } from '../../src/demo/showcase.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { PolicyBook } from '../../src/tenant/policy-book.ts';
import { readRule } from '../../workers/trigger-evaluation/rule.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
const URL = 'http://127.0.0.1:1/hook';

describe('the tenants that are at work in the demo', () => {
  it('have budgets, and rules that can be read, and keep them with another address when the demo starts again', async () => {
    const tenants = database().tenants('rae_api', { poolSize: 4 });
    const policies = new PolicyBook(tenants, new Map());
    const demo = { registry: database().open('rae_operator'), tenants, policies, scheduled: [], clock: systemClock };
    await makeDemo(demo, { tenants: 7, memories: 70 });
    const showcase = new Showcase(tenants, systemClock, 7);
    await showcase.prepare(URL);
    for (const rule of demoRules(URL)) expect(readRule({ ...rule, created_by: 'demo' })).toHaveProperty('rule');
    const rules = () =>
      database().admin<{ tenant_id: string; version: number; sends: boolean }>(
        "select tenant_id, version, actions::text like '%127.0.0.1:2/hook%' as sends from public.trigger_rules",
      );
    expect(await rules()).toHaveLength(5 * demoRules(URL).length);
    const budgets = () =>
      database().admin("select version, channels::text like '%127.0.0.1:2/hook%' as sends from public.cost_budgets");
    expect(await budgets()).toHaveLength(5);
    await showcase.prepare(URL);
    expect(await budgets()).toEqual(Array.from({ length: 5 }, () => ({ version: 1, sends: false })));
    expect((await rules()).filter(({ version }) => version > 1)).toEqual([]);
    await showcase.prepare('http://127.0.0.1:2/hook');
    expect((await rules()).filter(({ sends }) => sends)).toHaveLength(5 * 3);
    expect(await budgets()).toEqual(Array.from({ length: 5 }, () => ({ version: 2, sends: true })));
  });

  it('have calls that cost something and events, moment by moment', async () => {
    const tenants = database().tenants('rae_api', { poolSize: 4 });
    await new Showcase(tenants, systemClock, 2).pass(10);
    const rows = await database().admin(
      `select tenant_id, count(*) > 0 as events, (select sum(total_cost_usd) > 0.01 from public.cost_logs c where c.tenant_id = e.tenant_id) as costs
         from public.events e where source = 'demo' group by 1`,
    );
    expect(rows).toHaveLength(2);
    for (const index of [0, 1]) {
      expect(rows).toContainEqual({ tenant_id: seededId('tenant', index), events: true, costs: true });
    }
  });
});
