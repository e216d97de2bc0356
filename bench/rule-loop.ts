import { type ActiveRule, type Decision, decide } from '../workers/trigger-evaluation/evaluation.ts';
import { Executions } from '../workers/trigger-evaluation/execution.ts';
import { RuleHistory } from '../workers/trigger-evaluation/history.ts';
import { eventOf, type PendingRow } from '../workers/trigger-evaluation/rows.ts';
import { readRule } from '../workers/trigger-evaluation/rule.ts';
import type { BenchDatabase } from './bench-database.ts';

const PAGE = 500;

const RULES = `select tenant_id, trigger_id, version, jsonb_build_object('rule_name', rule_name, 'event_types', event_types,
    'condition_group', condition_group, 'time_window_seconds', time_window_seconds, 'aggregate', aggregate, 'cooldown_seconds', cooldown_seconds,
    'max_executions_per_hour', max_executions_per_hour, 'actions', actions, 'priority', priority) as document
  from public.trigger_rules order by priority desc, created_at, trigger_id`;

const EVENTS = `select p.tenant_id, p.arrival::text as arrival, e.*, (extract(epoch from e.created_at) * 1000000)::bigint::text as at
  from (select * from public.pending_events where arrival > $1 order by arrival limit ${PAGE}) p
  join public.events e on e.tenant_id = p.tenant_id and e.event_id = p.event_id order by p.arrival`;

const CONSUMED = `insert into public.consumed_events (tenant_id, number, event_id, at)
  select t, n, e, 'epoch'::timestamptz + a * interval '1 microsecond'
    from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[]) x (t, n, e, a)`;

const EXECUTED = `insert into public.trigger_executions (tenant_id, number, trigger_id, event_id, event_type, at, outcome, reason, detail, value,
    rule_name, rule_version, actions)
  select x.tenant_id, x.number, x.trigger_id, x.event_id, x.event_type, 'epoch'::timestamptz + x.at * interval '1 microsecond',
         case when x.reason is null then 'fired' else 'held' end, x.reason, x.detail, x.value, x.rule_name, x.rule_version, x.actions
    from jsonb_to_recordset($1::jsonb) x (tenant_id uuid, number bigint, trigger_id uuid, event_id uuid, event_type text, at bigint, reason text,
         detail text, value double precision, rule_name text, rule_version int, actions jsonb)`;

const SENT = `insert into public.messages (tenant_id, channel, type, data, idempotency_key)
  select x.tenant_id, x.channel, x.type, x.data, x.key
    from jsonb_to_recordset($1::jsonb) x (tenant_id uuid, channel jsonb, type text, data jsonb, key text)`;

const SETTINGS = { rae_api_url: null, most_depth: 5 };

type LoopRow = PendingRow & { readonly tenant_id: string };

/**
 * What the worker is compared with: one process, one session of a superuser, one loop over all events in the order in which
 * they were written, a transaction and a handful of statements per page. The same evaluation and the same rows; no tenants, no
 * ledger, no locks. @param writes false = it only reads and evaluates. @returns how long it took, in seconds
 */
export async function bareLoop(database: BenchDatabase, writes = true): Promise<number> {
  return await database.alone(async (ask) => {
    const sql = async <R>(text: string, values: readonly unknown[] = []) =>
      ((await ask(text, values)) as { rows: R[] }).rows;
    const started = performance.now();
    const rules = await rulesOf(sql);
    const numbers = new Map<string, number>();
    for (let after = '0'; ; ) {
      const page = await sql<LoopRow>(EVENTS, [after]);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.arrival;
      const made = evaluated(page, rules, numbers);
      if (!writes) continue;
      await sql('begin');
      await write(sql, page, made);
      await sql('commit');
    }
    return (performance.now() - started) / 1_000;
  });
}

type Sql = <R>(text: string, values?: readonly unknown[]) => Promise<R[]>;

async function rulesOf(sql: Sql): Promise<ReadonlyMap<string, readonly ActiveRule[]>> {
  const rules = new Map<string, ActiveRule[]>();
  type Row = { tenant_id: string; trigger_id: string; version: number; document: unknown };
  for (const { tenant_id: tenant, trigger_id: id, version, document } of await sql<Row>(RULES)) {
    const reading = readRule(document);
    if ('mistakes' in reading) throw new Error(reading.mistakes.join());
    rules.set(tenant, [...(rules.get(tenant) ?? []), { id, version, rule: reading.rule, history: new RuleHistory() }]);
  }
  return rules;
}

/** What comes of a page of events. */
interface Made {
  readonly consumed: readonly (readonly [string, number, string, number])[];
  readonly executions: readonly object[];
  readonly messages: readonly object[];
}

function evaluated(
  page: readonly LoopRow[],
  rules: ReadonlyMap<string, readonly ActiveRule[]>,
  numbers: Map<string, number>,
): Made {
  const consumed: (readonly [string, number, string, number])[] = [];
  const executions: object[] = [];
  const messages: object[] = [];
  for (const row of page) {
    const { tenant_id: tenant } = row;
    const number = (numbers.get(tenant) ?? 0) + 1;
    numbers.set(tenant, number);
    const event = eventOf(row, number);
    consumed.push([tenant, number, event.id, event.at]);
    const decisions = (rules.get(tenant) ?? [])
      .map((rule) => decide(rule, event))
      .filter((decision): decision is Decision => decision !== undefined);
    const made = new Executions(decisions, tenant, SETTINGS);
    executions.push(
      ...made.rows(made.effects.map(() => ({ state: 'done' }))).map((one) => ({ tenant_id: tenant, ...one })),
    );
    messages.push(...made.effects.map((one) => ({ tenant_id: tenant, ...one })));
  }
  return { consumed, executions, messages };
}

async function write(sql: Sql, page: readonly LoopRow[], { consumed, executions, messages }: Made): Promise<void> {
  await sql('delete from public.pending_events where arrival = any($1::bigint[])', [
    page.map(({ arrival }) => arrival),
  ]);
  await sql(
    CONSUMED,
    [0, 1, 2, 3].map((at) => consumed.map((one) => one[at])),
  );
  if (executions.length > 0) await sql(EXECUTED, [JSON.stringify(executions)]);
  if (messages.length > 0) await sql(SENT, [JSON.stringify(messages)]);
}
