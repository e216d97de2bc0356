import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { aggregated, wrongRollups } from '../support/cost-run.ts';
import { useDatabase } from '../support/database.ts';
import { query } from '../support/query.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();

/** Logs a call as an API server does, and gives what the row carries then. */
async function logged(tenantId: string, columns: Readonly<Record<string, unknown>>) {
  const row = { tenant_id: tenantId, provider: 'openai', operation: 'query', ...columns };
  const names = Object.keys(row).map((name) => `"${name}"`);
  const rows = await database()
    .tenants('rae_api')
    .inTenant(tenantId, (tx) =>
      tx.rows(
        query(
          `insert into public.cost_logs (${names.join(', ')}) values (${names.map((_n, at) => `$${at + 1}`).join(', ')})
           returning id, total_cost_usd::text as cost, input_cost_per_million::text as rate, cache_saved_usd::text as saved`,
        ),
        Object.values(row),
      ),
    );
  return rows[0] as { id: string; cost: string | null; rate: string; saved: string };
}

const priced = async (model: string, at = '2026-03-01T00:00:00Z') =>
  (await database().admin<{ matched: string }>('select matched from public.rae_price($1, $2)', [model, at]))[0]
    ?.matched;

const price = (model: string, from: string, input: string, output = '0') =>
  database()
    .open('rae_operator')
    .rows(
      query(
        'insert into public.model_prices (model, valid_from, input_per_million, output_per_million) values ($1, $2, $3, $4)',
      ),
      [model, from, input, output],
    );

describe('prices', () => {
  test('flaw 17: the longest name that a model begins with is its price, in whatever order they stand', async () => {
    expect(await priced('gpt-4o-mini-2024-07-18')).toBe('gpt-4o-mini');
    expect(await priced('gpt-4.1-mini-2025-04-14')).toBe('gpt-4.1-mini');
    expect(await priced('gpt-4-turbo-2024-04-09')).toBe('gpt-4-turbo');
    expect(await priced('claude-3-5-sonnet-20241022')).toBe('claude-3-5-sonnet');
    expect(await priced('gpt-4o')).toBe('gpt-4o');
    expect(await priced('ollama/llama3')).toBe('ollama/');
    expect(await priced('nobody-knows')).toBeUndefined();
  });

  test('flaw 13: a call is written in the columns of the original and costs what the table says', async () => {
    const tenantId = await addTenant(database());
    const call = { project_id: 'default', model: 'gpt-4o', input_tokens: 1_000_000, output_tokens: 1_000_000 };
    expect((await logged(tenantId, call)).cost).toBe('12.500000');
  });

  test('a cost or rates that the writer gives stand; a call from the cache costs nothing', async () => {
    const tenantId = await addTenant(database());
    const call = { model: 'gpt-4o', input_tokens: 1_000, output_tokens: 10 };
    expect((await logged(tenantId, { ...call, total_cost_usd: '0.123' })).cost).toBe('0.123');
    expect((await logged(tenantId, { ...call, total_cost_usd: '0' })).cost).toBe('0');
    expect((await logged(tenantId, { ...call, input_cost_per_million: '7' })).cost).toBe('0.007000');
    expect(await logged(tenantId, { ...call, cache_hit: true, cache_tokens_saved: 1_000 })).toMatchObject({
      cost: '0',
      saved: '0.002500',
    });
    // What the provider had cached is paid at its own price: 400 of 1,000 tokens at half of 2.50.
    expect(await logged(tenantId, { ...call, cache_tokens_saved: 400 })).toMatchObject({
      cost: '0.002100',
      saved: '0.000500',
    });
  });

  test('each call is rounded to the micro-dollar by itself, halves away from nothing', async () => {
    const tenantId = await addTenant(database());
    await price('tiny', '2020-01-01', '0.5');
    for (const tokens of [1, 1, 1])
      expect((await logged(tenantId, { model: 'tiny', input_tokens: tokens })).cost).toBe('0.000001');
    expect((await logged(tenantId, { model: 'tiny', total_cost_usd: '0.0000004' })).cost).toBe('0.0000004');
    await aggregated(database(), tenantId);
    const [month] = await database().admin(
      'select cost_usd::text from public.cost_rollups_monthly where tenant_id = $1',
      [tenantId],
    );
    expect(month).toEqual({ cost_usd: '0.000003' });
  });

  test('a price counts from its date on', async () => {
    await price('dated', '2026-01-01', '1');
    await price('dated', '2026-02-01', '2');
    const tenantId = await addTenant(database());
    const costAt = async (timestamp: string) =>
      (await logged(tenantId, { model: 'dated-7', input_tokens: 1_000_000, timestamp })).cost;
    expect(await costAt('2025-12-31T23:59:59Z')).toBeNull();
    expect(await costAt('2026-01-31T23:59:59Z')).toBe('1.000000');
    expect(await costAt('2026-02-01T00:00:00Z')).toBe('2.000000');
  });

  test('a call without a price is unknown and never free; a price that is added later is given to it, and to it alone', async () => {
    const [tenantId, other] = [await addTenant(database()), await addTenant(database())];
    const call = { input_tokens: 1_000_000, output_tokens: 0, timestamp: '2026-03-01T10:00:00Z' };
    expect((await logged(tenantId, { ...call, model: 'newcomer-1' })).cost).toBeNull();
    const given = await logged(tenantId, { ...call, model: 'newcomer-1', total_cost_usd: '9' });
    await logged(tenantId, { ...call, model: 'stranger' });
    await logged(other, { ...call, model: 'gpt-4o' });
    for (const id of [tenantId, other]) await aggregated(database(), id);
    const hour = async () =>
      await database().admin(
        'select model, calls::int, unknown_calls::int, cost_usd::text from public.cost_rollups_hourly where tenant_id = $1 order by model',
        [tenantId],
      );
    expect(await hour()).toEqual([
      { model: 'newcomer-1', calls: 2, unknown_calls: 1, cost_usd: '9' },
      { model: 'stranger', calls: 1, unknown_calls: 1, cost_usd: '0' },
    ]);
    await database().admin('delete from public.due_hints');
    await price('newcomer', '2020-01-01', '3');
    const hints = await database().admin('select tenant_id, kind from public.due_hints order by 1');
    expect(hints).toContainEqual({ tenant_id: tenantId, kind: 'price' });
    expect(hints).not.toContainEqual({ tenant_id: other, kind: 'price' });
    const run = await aggregated(database(), tenantId, 1);
    expect(run.state).toBe('done');
    expect(await hour()).toEqual([
      { model: 'newcomer-1', calls: 2, unknown_calls: 0, cost_usd: '12.000000' },
      { model: 'stranger', calls: 1, unknown_calls: 1, cost_usd: '0' },
    ]);
    const [kept] = await database().admin('select total_cost_usd::text as cost from public.cost_logs where id = $1', [
      given.id,
    ]);
    expect(kept).toEqual({ cost: '9' });
    expect(
      await database().admin('select calls::int from public.cost_unknowns where tenant_id = $1', [tenantId]),
    ).toEqual([{ calls: 1 }]);
    const all = await database().admin<{ tenant_id: string }>('select tenant_id from public.tenants');
    for (const { tenant_id: id } of all) await aggregated(database(), id);
    expect(await wrongRollups(database())).toEqual([]);
  });

  test('the file of prices that the docs show is what a new fleet begins with', async () => {
    const file = readFileSync('docs/examples/model-prices.csv', 'utf8').trim().split('\n').slice(1);
    const rows = await database().admin<{ line: string }>(
      `select concat_ws(',', model, '2020-01-01T00:00:00.000Z', input_per_million, output_per_million, coalesce(cached_input_per_million::text, '')) as line
         from public.model_prices where model not in ('tiny', 'dated', 'newcomer') order by model`,
    );
    expect(rows.map(({ line }) => line)).toEqual(file);
  });
});
