import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Clock } from '../kernel/clock.ts';
import { demoRules } from './rules.ts';
import { type DemoTenant, demoTenant } from './tenant.ts';
import { demoMoment } from './traffic.ts';

const sql = loadStatements(new URL('./showcase.sql', import.meta.url), ['setRules', 'setBudget', 'addTraffic']);

/** The first tenants of the demo: there in the smallest one, and of every plan. */
const TENANTS = 5;
/** Their monthly budgets in US dollars: the first is spent at once, the others pass one threshold after another while the demo runs. */
const BUDGETS = ['0.75', '2', '4', '8', '20'] as const;

/** A few tenants of the demo that are at work while it runs: they have budgets and rules, and calls and events keep coming. */
export class Showcase {
  readonly #data: TenantContext;
  readonly #tenants: readonly DemoTenant[];
  #moment: number;

  /** @param data as `rae_api` · @param tenants how many the demo has. */
  constructor(data: TenantContext, clock: Clock, tenants: number) {
    this.#data = data;
    const now = clock.now();
    this.#tenants = Array.from({ length: Math.min(TENANTS, tenants) }, (_, index) => demoTenant(index, now));
    // Another start goes on with other moments.
    this.#moment = Math.floor(now.getTime() / 1_000) % 1_000_000;
  }

  /** Gives the tenants their budgets and rules. Safe to repeat. @param url where their webhooks go. */
  async prepare(url: string): Promise<void> {
    const rules = JSON.stringify(demoRules(url));
    const channels = JSON.stringify([{ type: 'webhook', url }]);
    for (const [index, { tenantId }] of this.#tenants.entries()) {
      await this.#data.inTenant(tenantId, async (tx) => {
        await tx.rows(sql.setRules, [tenantId, rules]);
        const action = index === 0 ? 'block' : 'alert_only';
        await tx.rows(sql.setBudget, [tenantId, BUDGETS[index] ?? null, action, channels]);
      });
    }
  }

  /** Lets so many moments pass, each of one tenant after the other, in a transaction as an API server's. */
  async pass(moments: number): Promise<void> {
    for (let passed = 0; passed < moments; passed += 1) {
      const tenant = this.#tenants[this.#moment % this.#tenants.length];
      if (tenant === undefined) return;
      const { calls, events } = demoMoment(tenant, this.#moment);
      const values = [tenant.tenantId, JSON.stringify(calls), JSON.stringify(events)];
      await this.#data.inTenant(tenant.tenantId, (tx) => tx.rows(sql.addTraffic, values));
      this.#moment += 1;
    }
  }
}
