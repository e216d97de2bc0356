import type { BenchDatabase } from '../bench-database.ts';
import { quickly } from '../estate.ts';
import { paired, type Row } from '../row.ts';
import { bareLoop } from '../rule-loop.ts';
import { median } from '../statistics.ts';

const leaf = (field: string, operator: string, value: unknown) => ({ field, operator, value });

/** Four rules for each tenant: numbers and text, a nested OR with a pattern, a window with a cooldown, a list. */
const RULES = [
  {
    rule_name: 'score',
    event_types: ['quality_degraded', 'drift_detected'],
    condition_group: {
      operator: 'AND',
      conditions: [leaf('payload.score', 'less_than', 0.1), leaf('payload.kind', 'in', ['a', 'b', 'c'])],
    },
    actions: [{ action_type: 'send_webhook', config: { url: 'https://a.example/hook' } }],
    priority: 9,
  },
  {
    rule_name: 'pattern',
    event_types: ['quality_degraded', 'drift_detected', 'custom.*'],
    condition_group: {
      operator: 'OR',
      conditions: [leaf('text', 'matches_regex', '(error|failure) [1-4][0-9]?$')],
      groups: [{ operator: 'AND', conditions: [leaf('kind', 'equals', 'd'), leaf('score', 'greater_equal', 0.95)] }],
    },
    max_executions_per_hour: 20,
  },
  {
    rule_name: 'storm',
    event_types: ['drift_detected'],
    time_window_seconds: 600,
    aggregate: { function: 'count', value: 3, operator: 'greater_equal' },
    cooldown_seconds: 60,
    actions: [
      { action_type: 'send_notification', config: { to: ['ops@acme.example'], message: 'Score {{payload.score}}' } },
    ],
  },
  {
    rule_name: 'tagged',
    event_types: ['custom.*'],
    condition_group: { operator: 'AND', conditions: [leaf('payload.tags', 'contains', 't7')] },
  },
];

const EVENTS = `insert into public.events (tenant_id, event_id, event_type, payload, created_at)
  select t.id, gen_random_uuid(), (array['drift_detected', 'quality_degraded', 'custom.seen', 'memory_created', 'custom.done'])[1 + n % 5],
         jsonb_build_object('score', ('x' || substr(md5(t.id::text || n), 1, 6))::bit(24)::int % 1000 / 1000.0, 'kind', chr(97 + n % 6), 'text', 'error ' || n % 100, 'n', n,
           'tags', jsonb_build_array('t' || n % 20, 'bench')), now() - interval '2 hours' + n * interval '10 seconds'
    from generate_series(1, $2::int) n, unnest($1::uuid[]) t (id)`;
const PENDING = `insert into public.pending_events (tenant_id, event_id)
  select tenant_id, event_id from public.events order by created_at, tenant_id`;
const EMPTIED = `truncate public.events, public.pending_events, public.consumed_events, public.event_consumers,
  public.trigger_executions, public.trigger_tallies, public.messages, public.due_hints`;

async function arranged(database: BenchDatabase, tenants: readonly string[], each: number): Promise<void> {
  await quickly(database, EMPTIED);
  await quickly(database, EVENTS, [tenants, each]);
  await quickly(database, PENDING);
  await database.sql(
    'vacuum analyze public.events, public.pending_events, public.consumed_events, public.trigger_executions',
  );
  await database.sql('checkpoint');
}

/** What came of it, so that both sides are seen to have done the same. */
async function outcome(database: BenchDatabase): Promise<string> {
  const [row] = await database.sql<{ says: string }>(
    `select format('%s events, %s fired, %s held, %s messages', (select count(*) from public.consumed_events),
       count(*) filter (where outcome = 'fired'), count(*) filter (where outcome = 'held'), (select count(*) from public.messages)) as says
       from public.trigger_executions`,
  );
  return row?.says ?? '';
}

/** The worker trigger-evaluation from arrival to the last event consumed. */
export const rules: Row = {
  id: 'rules',
  what: 'events that trigger rules consume through the whole fleet, from their arrival to the last',
  against: 'a bare loop over the same rows in one process, which writes the same',
  unit: 'events/s',
  bar: { of: 'ratio', atLeast: 0.3 },
  async measure(stage, repeats) {
    const [count, each] = [stage.size(500, 100), stage.size(200, 100)];
    return await stage.with(async (database) => {
      const tenants = await database.tenants(count);
      await quickly(
        database,
        `insert into public.trigger_rules (tenant_id, rule_name, event_types, condition_group, time_window_seconds, aggregate,
             cooldown_seconds, max_executions_per_hour, actions, priority)
           select t.id, r.rule_name, r.event_types, r.condition_group, r.time_window_seconds, r.aggregate, r.cooldown_seconds,
                  r.max_executions_per_hour, coalesce(r.actions, '[]'), coalesce(r.priority, 5)
             from unnest($1::uuid[]) t (id), jsonb_populate_recordset(null::public.trigger_rules, $2) r`,
        [tenants, JSON.stringify(RULES)],
      );
      await database.scheduler();
      await database.worker(['trigger-evaluation']);
      const seen: string[] = [];
      const reading: number[] = [];
      const fleet = async (): Promise<number> => {
        await arranged(database, tenants, each);
        const { at } = await database.now();
        await database.sql("insert into public.due_hints (tenant_id, kind) select unnest($1::uuid[]), 'event'", [
          tenants,
        ]);
        await database.until(
          'select not exists (select from public.pending_events)',
          'every event to be consumed',
          600,
        );
        await database.idle();
        seen.push(await outcome(database));
        return (
          (count * each) /
          (await database.number(
            "select date_part('epoch', max(consumed_at) - $1::timestamptz) from public.consumed_events",
            [at],
          ))
        );
      };
      const loop = async (): Promise<number> => {
        await arranged(database, tenants, each);
        reading.push((count * each) / (await bareLoop(database, false)));
        const seconds = await bareLoop(database);
        seen.push(await outcome(database));
        return (count * each) / seconds;
      };
      const pairs = await paired(repeats, fleet, loop);
      const onlyReads = median(reading);
      return {
        samples: pairs.map(([value, reference]) => ({ value, reference })),
        notes: [
          `a loop that only reads and evaluates, and writes nothing: ${Math.round(onlyReads)} events/s, so that the fleet does ${(median(pairs.map(([value]) => value)) / onlyReads).toFixed(2)}× of it`,
          `${count} tenants with 4 rules each; ${[...new Set(seen)].join(' and ')} on either side`,
        ],
      };
    });
  },
};
