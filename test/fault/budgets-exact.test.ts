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
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
useProcesses();
const random = seeded('budgets exact');
const KILLS = 5;
const TENANTS = 8;
const ZONES = ['UTC', 'America/Havana', 'Asia/Kathmandu', 'Pacific/Kiritimati'];
const CHANNELS = [{ type: 'webhook', url: 'https://hooks.acme.example/budget' }];
const MONTHS_MS = 100 * 86_400_000;

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
    await setBudget(database(), tenantId, { ...document, time_zone: zone, channels: CHANNELS }, project);
  }
  return { tenantId, reference };
}

describe('alerts under faults', () => {
  it('are just those that a recomputation finds, each with one event and one message, though workers are killed in the middle and Redis is emptied', async () => {
    const redis = new OwnRedis();
    await redis.start();
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redis.url,
      env: { RAE_SETTINGS: '{"budget-alerting":{"step_notes":2}}', RAE_LOG_LEVEL: 'info', RAE_RETRY_BASE_MS: '50' },
    });
    await lingerIn(database(), 'delete on public.budget_notes', 60);
    const workers = new NamedWorkers(fleet, database(), 'budget-alerting');
    await ready(fleet.scheduler(), workers.start(), workers.start());
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
    }
    await endLingering(database());
    await quiet(database(), 120_000, 'budget-alerting');
    expect(await database().admin('select from public.budget_notes')).toEqual([]);

    let alerts = 0;
    for (const { tenantId, reference } of tenants) {
      reference.look(new Date());
      const found = await alertsOf(database(), tenantId);
      expect(found).toEqual([...reference.alerts].sort());
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
