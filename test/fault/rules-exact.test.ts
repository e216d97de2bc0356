import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { EventWriter } from '../support/event-writer.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { quiet } from '../support/ledger.ts';
import { endLingering, lingerIn, type RunMidway, runsMidway } from '../support/lingering.ts';
import { NamedWorkers } from '../support/named-workers.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { type ReferenceEvent, type ReferenceRule, RuleReference } from '../support/rule-reference.ts';
import { storeRule } from '../support/rule-scene.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
useProcesses();
const random = seeded('rules exact');
const KILLS = 6;
const FLUSHES = 2;
/** TEST_ROWS=100000 is a large fleet's: over 500 tenants with 4 rules each and more. */
const ROWS = Number(process.env.TEST_ROWS ?? 1_500);
const TENANTS = ROWS >= 100_000 ? 500 : 10;
const WAVES = 5;

const n = (operator: string, value: number) => ({ conditions: [{ field: 'n', operator, value }] });
const hook = [{ action_type: 'send_webhook', config: { url: 'https://a.example/hook' } }];
const RULES = [
  { rule_name: 'each', actions: hook },
  { rule_name: 'some', condition_group: n('greater_equal', 3), actions: hook, max_executions_per_hour: 7 },
  { rule_name: 'storm', time_window_seconds: 60, aggregate: { value: 4, reset_on_fire: true }, actions: hook },
  {
    rule_name: 'follow',
    condition_group: n('equals', 0),
    actions: [{ action_type: 'emit_event', config: { event_type: 'custom.thing', payload: { n: 1 } } }, ...hook],
  },
];

async function compared(tenantId: string): Promise<number> {
  const events = await database().admin<ReferenceEvent & Record<string, unknown>>(
    `select c.number::int as number, c.event_id, e.event_type, e.project, e.payload, (extract(epoch from c.at) * 1000)::float8 as at
       from public.consumed_events c join public.events e using (tenant_id, event_id) where c.tenant_id = $1 order by c.number`,
    [tenantId],
  );
  const rules = await database().admin<ReferenceRule & Record<string, unknown>>(
    `select trigger_id, since_number::int as since, project, event_types, condition_group, time_window_seconds, aggregate,
            cooldown_seconds, max_executions_per_hour from public.trigger_rules where tenant_id = $1`,
    [tenantId],
  );
  const expected = rules.flatMap((rule) =>
    new RuleReference().ask(
      [rule],
      events.filter(({ number }) => number >= rule.since),
    ),
  );
  const recorded = await database().admin(
    'select number::int as number, trigger_id, event_id, outcome, reason from public.trigger_executions where tenant_id = $1',
    [tenantId],
  );
  const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();
  expect(lines(recorded)).toEqual(lines(expected));
  expect(events.map(({ number }) => number)).toEqual(events.map((_event, at) => at + 1));
  const fired = expected.filter(({ outcome }) => outcome === 'fired').length;
  const [sent] = await database().admin<{ messages: number; events: number }>(
    `select (select count(*)::int from public.messages where tenant_id = $1) as messages,
            (select count(*)::int from public.events where tenant_id = $1) as events`,
    [tenantId],
  );
  expect(sent).toEqual({ messages: fired, events: events.length });
  return fired;
}

describe('rules under faults', () => {
  it('fire just where a plain evaluation in the order of consumption says, each once, though workers are killed in the middle, events commit late, rules are made meanwhile and Redis is emptied', async () => {
    const redis = new OwnRedis();
    await redis.start();
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redis.url,
      env: { RAE_SETTINGS: '{"trigger-evaluation":{"step_events":4}}', RAE_LOG_LEVEL: 'info', RAE_RETRY_BASE_MS: '50' },
    });
    await lingerIn(database(), 'insert on public.consumed_events', 60);
    const workers = new NamedWorkers(fleet, database(), 'trigger-evaluation');
    const scheduler = fleet.scheduler();
    await ready(scheduler, workers.start(), workers.start());

    const tenants: string[] = [];
    for (let at = 0; at < TENANTS; at += 1) {
      const tenantId = await addTenant(database());
      for (const rule of RULES) await storeRule(database(), tenantId, rule);
      tenants.push(tenantId);
    }
    const writer = new EventWriter(database(), random);
    const chosen: string[] = [];
    let flushes = 0;
    const midway = async (): Promise<RunMidway | undefined> => {
      await writer.write(random.pick(tenants.slice(0, 10)));
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
      if (chosen.length % 3 === 2 && flushes < FLUSHES) {
        await redis.ask((client) => client.flushall());
        flushes += 1;
      }
      workers.start();
      await storeRule(database(), random.pick(tenants), { ...RULES[1], rule_name: `late ${chosen.length}` });
    }
    await writer.finish();

    // The rest as fast as it goes, with a worker killed wherever it is.
    await endLingering(database());
    const large = { RAE_SETTINGS: '{"trigger-evaluation":{"step_events":100}}' };
    for (let wave = 0; wave < WAVES; wave += 1) {
      await writer.writeMany(tenants, ROWS / TENANTS / WAVES);
      // The one that has worked for longest: after two waves all take large steps.
      workers.kill(workers.sessions[0] ?? '');
      await ready(workers.start(large));
    }
    await quiet(database(), ROWS >= 100_000 ? 600_000 : 120_000, 'trigger-evaluation');
    expect(await database().admin('select from public.pending_events')).toEqual([]);

    let fired = 0;
    for (const tenantId of tenants) fired += await compared(tenantId);
    const [ledger] = await database().admin<{ events: number; failures: number }>(
      `select (select count(*)::int from public.events where depth = 0) as events,
              (select coalesce(sum(failures), 0)::int from public.runs) as failures`,
    );
    expect(ledger).toEqual({ events: writer.written, failures: 0 });
    expect(Math.min(fired, writer.late)).toBeGreaterThan(0);
    process.stdout.write(
      `${writer.written} events, ${writer.late} committed late, ${fired} firings, ${chosen.length} kills, ${flushes} times emptied\n`,
    );
  });
});
