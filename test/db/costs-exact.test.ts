import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogue } from '../../workers/index.ts';
import { aggregated, wrongRollups } from '../support/cost-run.ts';
import { useDatabase } from '../support/database.ts';
import { Performing } from '../support/performing.ts';
import { query } from '../support/query.ts';
import { seeded } from '../support/random.ts';
import { retentionRun } from '../support/retention-run.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let retention: Performing;

beforeAll(async () => {
  retention = new Performing((await loadCatalogue()).get('retention-purge'), database().tenants(), 'alone');
});

const log = (tenantId: string, columns: Readonly<Record<string, unknown>>) => {
  const row = { tenant_id: tenantId, model: 'gpt-4o', provider: 'openai', operation: 'query', ...columns };
  const names = Object.keys(row).map((name) => `"${name}"`);
  return {
    text: `insert into public.cost_logs (${names.join(', ')}) values (${names.map((_n, at) => `$${at + 1}`).join(', ')})`,
    values: Object.values(row),
  };
};

/** The groups of two spends that differ: by rae_spend and by the logs, over the same spans. */
const SPANS = [
  ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
  ['2026-01-31T23:00:00+05:30', '2026-03-02T00:00:00+05:45'],
  ['2026-02-10T10:17:31Z', '2026-02-10T10:44:00Z'],
  ['2026-02-10T10:17:31Z', '2026-02-10T11:01:00Z'],
  ['2026-02-03T04:05:06.789Z', '2026-02-21T21:00:00Z'],
  ['2026-02-10T05:00:00Z', '2026-02-10T07:00:00Z'],
  ['2026-02-10T05:00:00Z', '2026-02-10T05:00:00Z'],
  ['2026-02-20T05:00:00Z', '2026-02-10T05:00:00Z'],
] as const;

async function spends(tenantId: string): Promise<void> {
  for (const [from, to] of SPANS) {
    for (const project of [null, 'a']) {
      const [told] = await database()
        .tenants()
        .inTenant(tenantId, (tx) => tx.rows(query('select * from public.rae_spend($1, $2, $3)'), [project, from, to]));
      const [counted] = await database().admin(
        `select coalesce(sum(round(total_cost_usd, 6)), 0)::text as cost_usd, coalesce(sum(total_tokens), 0)::bigint as tokens,
                count(*) as calls, count(*) filter (where total_cost_usd is null) as unknown_calls
           from public.cost_logs where tenant_id = $1 and "timestamp" >= $2 and "timestamp" < $3 and ($4::text is null or project_id = $4)`,
        [tenantId, from, to, project],
      );
      const plain = (row: unknown) =>
        Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, Number(value).toFixed(6)]));
      expect(plain(told)).toEqual(plain(counted));
    }
  }
}

describe('the sums of costs', () => {
  test('equal the logs to the last micro-dollar, whatever was logged, corrected and removed in whatever order', async () => {
    const random = seeded('costs-exact');
    const tenants = [await addTenant(database()), await addTenant(database())];
    const at = () =>
      new Date(Date.UTC(2026, 1, 1 + random.below(28), random.below(24), random.below(60), 0, random.below(1000)));
    const money = () => `${random.below(3)}.${String(random.below(1e9)).padStart(9, '0')}`;
    for (let round = 0; round < 40; round += 1) {
      const tenantId = random.pick(tenants);
      const [some] = await database().admin<{ id: string }>(
        'select id from public.cost_logs where tenant_id = $1 order by md5(id::text || $2) limit 1',
        [tenantId, String(round)],
      );
      const deed = random.below(some === undefined ? 2 : 8);
      if (deed <= 2) {
        await database().admin(
          `insert into public.cost_logs (tenant_id, project_id, model, provider, operation, input_tokens, output_tokens, total_cost_usd, cache_hit, cache_tokens_saved, error, "timestamp")
           select $1, r.* from jsonb_to_recordset($2::jsonb) r (project text, model text, provider text, operation text, input int, output int, cost numeric, hit boolean, saved int, error boolean, at timestamptz)`,
          [
            tenantId,
            JSON.stringify(
              Array.from({ length: 1 + random.below(60) }, () => ({
                project: random.pick(['a', 'b']),
                model: random.pick(['gpt-4o', 'gpt-4o-mini-2024-07-18', 'nobody-knows', 'claude-3-5-sonnet']),
                provider: random.pick(['openai', 'anthropic']),
                operation: random.pick(['query', 'reflection']),
                input: random.below(100_000),
                output: random.below(100_000),
                cost: random.pick([money(), null]),
                hit: random.below(5) === 0,
                saved: random.pick([0, 0, 500, -1]),
                error: random.below(7) === 0,
                at: at(),
              })),
            ),
          ],
        );
      } else if (deed === 3) {
        await database().admin(
          'update public.cost_logs set total_cost_usd = $2, "timestamp" = $3, model = $4 where id = $1',
          [some?.id, random.pick([money(), null]), at(), random.pick(['gpt-4o', 'nobody-knows'])],
        );
      } else if (deed === 4) {
        await database().admin('delete from public.cost_logs where id = $1', [some?.id]);
      } else if (deed === 5) {
        await database().admin("update public.cost_logs set user_id = 'anonymous' where tenant_id = $1", [tenantId]);
      } else if (deed === 6 && random.below(3) === 0) {
        await retentionRun(database(), retention, {
          tenantId,
          slot: new Date(Date.UTC(2026, 1, 1 + random.below(8))),
          policy: { cost_logs_days: 1 },
          stepRows: 10,
        });
      } else {
        await aggregated(database(), tenantId, 1 + random.below(30));
        await aggregated(database(), tenantId);
      }
      if (deed !== 6) await spendsOf(tenants, round);
    }
    for (const tenantId of tenants) {
      const run = await aggregated(database(), tenantId, 5);
      expect(run.state).toBe('done');
    }
    expect(await wrongRollups(database())).toEqual([]);
    expect(await database().admin('select 1 from public.cost_deltas')).toEqual([]);
  });

  test('are exact after a transaction that inserted before others and commits after them', async () => {
    const tenantId = await addTenant(database());
    const late = new pg.Client({ connectionString: database().url('admin') });
    await late.connect();
    try {
      await late.query('begin');
      await late.query(log(tenantId, { total_cost_usd: '1.000001', timestamp: '2026-03-01T10:10:00Z' }));
      for (let nth = 0; nth < 5; nth += 1) {
        const { text, values } = log(tenantId, { total_cost_usd: '0.000001', timestamp: '2026-03-01T10:20:00Z' });
        await database().admin(text, values);
      }
      await aggregated(database(), tenantId);
      expect(await wrongRollups(database())).toEqual([]);
      await late.query('commit');
    } finally {
      await late.end();
    }
    await aggregated(database(), tenantId);
    expect(await wrongRollups(database())).toEqual([]);
    const [hour] = await database().admin(
      'select calls::int, cost_usd::text from public.cost_rollups_hourly where tenant_id = $1',
      [tenantId],
    );
    expect(hour).toEqual({ calls: 6, cost_usd: '1.000006' });
  });

  test('outlive the logs that retention removes, also where a late one arrives for an hour that is purged', async () => {
    const tenantId = await addTenant(database());
    const add = async (cost: string) => {
      const { text, values } = log(tenantId, { total_cost_usd: cost, timestamp: '2026-02-01T10:10:00Z' });
      await database().admin(text, values);
    };
    const purge = () =>
      retentionRun(database(), retention, {
        tenantId,
        slot: new Date('2026-02-20T01:00:00Z'),
        policy: { cost_logs_days: 1 },
      });
    await add('0.25');
    await aggregated(database(), tenantId);
    await purge();
    await add('0.50');
    await purge();
    await add('0.125');
    await aggregated(database(), tenantId);
    expect(await wrongRollups(database())).toEqual([]);
    const [month] = await database().admin(
      'select cost_usd::text, (select count(*)::int from public.cost_logs c where c.tenant_id = m.tenant_id) as left_over from public.cost_rollups_monthly m where tenant_id = $1',
      [tenantId],
    );
    expect(month).toEqual({ cost_usd: '0.875', left_over: 1 });
  });

  test('are not doubled by runs of one tenant at the same time', async () => {
    const tenantId = await addTenant(database());
    for (let nth = 0; nth < 30; nth += 1) {
      const { text, values } = log(tenantId, { total_cost_usd: '0.1', timestamp: `2026-03-02T0${nth % 10}:00:00Z` });
      await database().admin(text, values);
    }
    await Promise.all([1, 2, 3].map(() => aggregated(database(), tenantId, 7)));
    expect(await wrongRollups(database())).toEqual([]);
  });
});

/** rae_spend against the logs, every few rounds and only where nothing is purged. */
async function spendsOf(tenants: readonly string[], round: number): Promise<void> {
  if (round % 8 !== 0) return;
  for (const tenantId of tenants) {
    const purged = await database().admin('select 1 from public.cost_adjustments where tenant_id = $1 limit 1', [
      tenantId,
    ]);
    if (purged.length === 0) await spends(tenantId);
  }
}
