import { beforeAll, describe, expect, it } from 'vitest';
import { CallLimit } from '../../src/access/call-limit.ts';
import { onboard } from '../../src/access/onboarding.ts';
import { AuditLog, OPERATOR } from '../../src/audit/log.ts';
import { rightRule } from '../../src/cli/rule-source.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { redisConnection } from '../../src/redis/connection.ts';
import type { QuotaChange } from '../../src/tenant/quota.ts';
import { QuotaBook, setQuotas } from '../../src/tenant/quota-book.ts';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { RuleBook } from '../../src/tenant/rule-book.ts';
import { documentOf } from '../../src/trial/rule-document.ts';
import { useDatabase } from '../support/database.ts';
import { useRedis } from '../support/redis.ts';
import { connected } from '../support/server.ts';

const database = useDatabase();
const redis = useRedis();
let registry: TenantRegistry;
let book: QuotaBook;

beforeAll(async () => {
  registry = new TenantRegistry(database().open('rae_operator', { poolSize: 4 }));
  book = new QuotaBook(database().tenants('rae_api', { poolSize: 8 }));
  await database().admin("insert into public.workers (worker) values ('decay') on conflict do nothing");
});

const make = async (plan = 'free') =>
  (await onboard(registry, { name: 'Acme', plan, adminEmail: 'a@b.c' }, OPERATOR)).tenant.tenantId;
const set = (id: string, change: QuotaChange) => setQuotas(database().open('rae_operator'), id, change);
const used = async (id: string) =>
  Object.fromEntries((await book.list(id)).map(({ quota, used: amount }) => [quota, amount]));

/** Each in a transaction of its own, as rae_api inside the tenant; so many connections at once. */
async function atOnce(id: string, texts: readonly string[], connections = 16) {
  const rest = [...texts];
  const refused: { code?: string; message: string }[] = [];
  await Promise.all(
    Array.from({ length: connections }, () =>
      connected(database().url('rae_api'), async (client) => {
        for (let text = rest.pop(); text !== undefined; text = rest.pop()) {
          await client.query('begin');
          await client.query('select public.rae_enter_tenant($1)', [id]);
          const end = await client.query(text).then(
            () => 'commit',
            (error) => {
              refused.push(error);
              return 'rollback';
            },
          );
          await client.query(end);
        }
      }),
    ),
  );
  return refused;
}

const INSERT = 'insert into public.memories (tenant_id, content) select public.rae_current_tenant(), ';

describe('the quota on memories', () => {
  it('lets exactly those in that fit, of many at once', async () => {
    const id = await make();
    await set(id, { max_memories: 11 });
    expect(await atOnce(id, [`${INSERT} 'x' from generate_series(1, 10)`])).toEqual([]);
    const refused = await atOnce(
      id,
      Array.from({ length: 200 }, () => `${INSERT} 'x'`),
    );
    expect(refused).toHaveLength(199);
    expect(new Set(refused.map(({ code, message }) => `${code} ${message}`))).toEqual(
      new Set(['RQ001 quota max_memories: the tenant may have 11 memories and would have 12']),
    );
    expect(await used(id)).toMatchObject({ max_memories: 11 });
  });

  it('counts exactly whatever is inserted, changed, removed and taken back', async () => {
    const id = await make();
    const remove = 'delete from public.memories where tenant_id = public.rae_current_tenant()';
    const change = "update public.memories set content = content || '€' where tenant_id = public.rae_current_tenant()";
    await set(id, { max_memories: null, max_storage_gb: null });
    const all = [`${INSERT} 'x' from generate_series(1, 5)`, change, `${INSERT} 'y'`];
    const texts = Array.from({ length: 60 }, (_, index) => all[index % 3] ?? '');
    expect((await atOnce(id, texts)).filter(({ code }) => code !== '40P01')).toEqual([]);
    await atOnce(id, [`${remove} and content like 'y%'`, `${INSERT} 'z'; select 1 / 0`]);
    const [row] = await database().admin<{ memories: number; bytes: number }>(
      `select count(*)::int as memories, sum(octet_length(content) + octet_length(metadata::text))::float8 as bytes
         from public.memories where tenant_id = $1`,
      [id],
    );
    expect(row?.memories).toBeGreaterThan(0);
    expect(await used(id)).toMatchObject({ max_memories: row?.memories, max_storage_gb: (row?.bytes ?? 0) / 1e9 });
  });

  it('is measured in bytes as well, and lifted without a restart', async () => {
    const id = await make();
    await set(id, { max_storage_gb: 0.001 });
    const [refused] = await atOnce(id, [`${INSERT} repeat('x', 1000001)`]);
    expect(refused?.message).toBe("quota max_storage_gb: the tenant's memories may be 0.001 GB and would be 0.001000");
    await set(id, { max_storage_gb: 'by-plan' });
    expect(await atOnce(id, [`${INSERT} repeat('x', 1000001)`])).toEqual([]);
    const actions = (await new AuditLog(database().tenants('rae_api')).list(id, undefined, 2)).map(
      ({ action }) => action,
    );
    expect(actions).toEqual(['tenant.quota_set', 'tenant.quota_set']);
  });
});

describe('the quota on asking for runs', () => {
  const ASK = "select public.rae_enqueue('decay')";

  it('lets exactly as many be open as may be, of many at once', async () => {
    const id = await make();
    await set(id, { max_backlog: 5 });
    expect(await atOnce(id, [ASK, ASK, ASK, ASK])).toEqual([]);
    const refused = await atOnce(
      id,
      Array.from({ length: 200 }, () => ASK),
    );
    expect(refused).toHaveLength(199);
    expect(refused[0]?.message).toMatch(/^quota max_backlog: the tenant has 5 runs that are not done/);
    await database().admin("update public.runs set state = 'done', finished_at = now() where tenant_id = $1", [id]);
    expect(await atOnce(id, [ASK])).toEqual([]);
  });

  it('lets no more be asked for within a minute than may be', async () => {
    const id = await make();
    await set(id, { max_enqueues_per_minute: 3 });
    const refused = await atOnce(id, [ASK, ASK, ASK, ASK, ASK], 1);
    expect(refused.map(({ message }) => message.slice(0, 31))).toEqual(
      Array.from({ length: 2 }, () => 'quota max_enqueues_per_minute: '),
    );
    expect(await used(id)).toMatchObject({ max_enqueues_per_minute: 3, max_backlog: 3 });
  });
});

describe('the quota on calls', () => {
  it('lets exactly one of 200 at once through where one is left, also when Redis is away', async () => {
    const id = await make();
    await set(id, { max_api_calls_per_minute: 20 });
    const there = redisConnection(redis(), 'producer');
    await there.connect();
    const away = redisConnection('redis://127.0.0.1:1/0', 'producer');
    for (const connection of [there, away]) {
      const calls = new CallLimit(connection, systemClock, (tenant) => book.limit(tenant, 'max_api_calls_per_minute'));
      for (let call = 0; call < 19; call += 1) expect((await calls.take(id)).allowed).toBe(true);
      const last = await Promise.all(Array.from({ length: 200 }, () => calls.take(id)));
      expect(last.filter(({ allowed }) => allowed)).toHaveLength(1);
      expect(last.at(-1)).toMatchObject({ allowed: false, limit: 20, remaining: 0 });
      expect(last.at(-1)?.resetSeconds).toBeGreaterThan(0);
    }
    expect(await there.keys('rae:tenant:*')).toEqual([`rae:tenant:${id}:calls`]);
    for (const connection of [there, away]) connection.disconnect();
  });
});

describe('a new tenant', () => {
  it('has the quotas, budget and rules of its plan, and each rule can be read', async () => {
    const id = await make('pro');
    expect((await book.list(id)).find(({ quota }) => quota === 'max_memories')).toEqual({
      ...{ quota: 'max_memories', limit: 1_000_000, by: 'plan', used: 0, remaining: 1_000_000 },
    });
    const [budget] = await database().admin(
      'select monthly_limit_usd::float8 from public.cost_budgets where tenant_id = $1',
      [id],
    );
    expect(budget).toEqual({ monthly_limit_usd: 500 });
    const rules = await new RuleBook(database().tenants('rae_api')).list(id);
    expect(rules.map(({ rule_name: name }) => name)).toEqual(['budget exceeded']);
    expect(rules.map((rule) => rightRule(documentOf(rule)).rule.is_enabled)).toEqual([true]);
    expect(JSON.stringify(rules)).toContain('a@b.c');
  });
});
