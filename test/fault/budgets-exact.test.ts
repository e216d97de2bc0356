import { describe, expect, it } from 'vitest';
import { BudgetReference } from '../support/budget-reference.ts';
import { alertsOf, setBudget, spend } from '../support/budget-scene.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, type RunMidway, runsMidway } from '../support/lingering.ts';
import { NamedWorkers } from '../support/named-workers.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { type Receiver, useReceiver } from '../support/receiver.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const receiver = useReceiver();
useProcesses();
const random = seeded('budgets exact');
const KILLS = 5;
const TENANTS = 8;
const ZONES = ['UTC', 'America/Havana', 'Asia/Kathmandu', 'Pacific/Kiritimati'];
const MONTHS_MS = 100 * 86_400_000;
const SETTINGS = {
  'budget-alerting': { step_notes: 2 },
  delivery: { timeout_ms: 1_000, retry_base_ms: 50, retry_cap_ms: 400, breaker_base_ms: 50, breaker_cap_ms: 400 },
};

/** A tenant with two budgets, as the fleet and the reference know it. */
async function furnished(): Promise<{ readonly tenantId: string; readonly reference: BudgetReference }> {
  const tenantId = await addTenant(database());
  const reference = new BudgetReference();
  for (const project of [null, 'atlas']) {
    const zone = random.pick(ZONES);
    const thresholds = [0.5, 0.8, 0.95];
    reference.budgets.push({ project, monthly: 20_000_000, daily: 3_000_000, tokens: 900, thresholds, zone });
    const document = {
      monthly_limit_usd: 20,
      daily_limit_usd: 3,
      monthly_tokens_limit: 900,
      alert_thresholds: thresholds,
    };
    await setBudget(
      database(),
      tenantId,
      { ...document, time_zone: zone, channels: [{ type: 'webhook', url: receiver().url('/budget') }] },
      project,
    );
  }
  return { tenantId, reference };
}

/** The alerts of a tenant as its receiver was told of them, each once, as `alertsOf` has them. */
function toldOf(from: Receiver, tenantId: string): readonly string[] {
  type Told = {
    readonly project?: string;
    readonly meter: string;
    readonly period: string;
    readonly threshold: number;
  };
  const bodies = from.at('/budget').map(({ body }) => JSON.parse(body) as { tenant_id: string; data: Told });
  const alerts = bodies
    .filter((one) => one.tenant_id === tenantId)
    .map(({ data }) =>
      [data.project, data.meter, data.period, data.threshold].filter((part) => part !== undefined).join(' '),
    );
  return [...new Set(alerts)].sort();
}

describe('alerts under faults', () => {
  it('are just those that a recomputation finds, each with one event and one message that its receiver sees, though workers are killed in the middle and Redis is emptied', async () => {
    const redis = new OwnRedis();
    await redis.start();
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redis.url,
      env: {
        RAE_SETTINGS: JSON.stringify(SETTINGS),
        RAE_LOG_LEVEL: 'info',
        RAE_RETRY_BASE_MS: '50',
        RAE_WEBHOOK_ALLOW: '127.0.0.1',
      },
    });
    // Every third is refused for now, every fourth is taken but its answer is lost.
    receiver().answers('/budget', (_request, response) => {
      const nth = receiver().received.length;
      if (nth % 3 === 0) response.writeHead(503).end();
      else if (nth % 4 === 0) response.socket?.destroy();
      else response.writeHead(200).end();
    });
    await lingerIn(database(), 'delete on public.budget_notes', 60);
    const workers = new NamedWorkers(fleet, database(), 'budget-alerting');
    let delivery: TestProcess = fleet.worker(['delivery']);
    await ready(fleet.scheduler(), workers.start(), workers.start(), delivery);
    const tenants = await Promise.all(Array.from({ length: TENANTS }, furnished));

    const log = async (): Promise<void> => {
      const { tenantId, reference } = random.pick(tenants);
      const calls = Array.from({ length: 1 + random.below(4) }, () => ({
        project: random.pick(['default', 'atlas']),
        micro: random.below(3_000_000),
        tokens: random.below(100),
        at: new Date(Date.now() - (random.below(3) === 0 ? random.below(MONTHS_MS) : 0)),
      }));
      await spend(
        database(),
        tenantId,
        calls.map(({ micro, ...call }) => ({ ...call, usd: (micro / 1e6).toFixed(6) })),
      );
      reference.calls.push(...calls);
      for (const call of calls) reference.arrived(call);
    };
    const chosen: string[] = [];
    const midway = async (): Promise<RunMidway | undefined> => {
      // Not faster than it is read: a run that never ends lapses more often than it may be chosen for.
      if ((await database().admin('select from public.budget_notes')).length < 30) await log();
      const found = (await runsMidway(database())).filter(
        (run) => workers.get(run.session) !== undefined && run.lapses < 3,
      );
      return found.length > 0 ? random.pick(found) : undefined;
    };
    // A kill counts when the ledger had to take back the very run that it was meant for.
    const bites = async () =>
      (await database().admin('select from public.runs where run_id = any($1) and lapses > 0', [chosen])).length;
    while ((await bites()) < KILLS) {
      const run = await eventually(midway, { what: 'a worker to be in the middle of a run', withinMs: 90_000 });
      workers.get(run.session)?.kill('SIGKILL');
      workers.forget(run.session);
      chosen.push(run.run_id);
      if (chosen.length === 3) await redis.ask((client) => client.flushall());
      workers.start();
      delivery.kill('SIGKILL');
      delivery = fleet.worker(['delivery']);
    }
    await endLingering(database());
    await quiet(database(), 120_000, 'budget-alerting');
    expect(await database().admin('select from public.budget_notes')).toEqual([]);

    const open = async () => {
      const rows = await database().admin("select from public.messages where state <> 'delivered'");
      return rows.length === 0 ? true : undefined;
    };
    await eventually(open, { what: 'every message to be delivered', withinMs: 90_000 });
    const sent = await database().admin<{ id: string }>('select message_id::text as id from public.messages');
    expect([...receiver().ids('/budget')].sort()).toEqual(sent.map(({ id }) => id).sort());

    let alerts = 0;
    for (const { tenantId, reference } of tenants) {
      reference.look(new Date());
      const found = await alertsOf(database(), tenantId);
      expect(found).toEqual([...reference.alerts].sort());
      expect(toldOf(receiver(), tenantId)).toEqual(found);
      const [told] = await database().admin(
        `select (select count(*)::int from public.events where tenant_id = $1) as events,
                (select count(*)::int from public.messages where tenant_id = $1) as messages,
                (select count(distinct data::text)::int from public.messages where tenant_id = $1) as distinct_messages`,
        [tenantId],
      );
      expect(told).toEqual({ events: found.length, messages: found.length, distinct_messages: found.length });
      alerts += found.length;
    }
    expect(alerts).toBeGreaterThan(0);
    process.stdout.write(`${alerts} alerts, ${chosen.length} kills\n`);
  });
});
