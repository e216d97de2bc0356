import { beforeEach, describe, expect, it } from 'vitest';
import { allows, inTenant, setBudget, spend } from '../support/budget-scene.ts';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let tenant = '';

beforeEach(async () => {
  tenant = await addTenant(database());
});

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
const ask = async (usd: number | string | null, project: string | null = null) =>
  await allows(database(), tenant, usd, project);
const reserve = async (usd: number | null, project: string | null = null) => {
  const rows = await inTenant<{ id: string }>(database(), tenant, 'select public.rae_budget_reserve($1, $2) as id', [
    usd,
    project,
  ]);
  return rows[0]?.id ?? '';
};
const CALL = { model: 'gpt-4o', provider: 'openai', operation: 'query', total_cost_usd: 0.25 };
const settle = async (id: string, cost: unknown = CALL) =>
  await inTenant(database(), tenant, 'select public.rae_budget_settle($1, $2) as id', [id, JSON.stringify(cost)]);

describe('rae_budget_allows', () => {
  it('allows everything where no budget is set, and says so', async () => {
    expect(await ask(1_000)).toEqual({ allowed: true, reason: 'no_budget', remaining_usd: null });
  });

  it('takes the shape of the seed as it stands, and lets pass what fits exactly', async () => {
    await setBudget(database(), tenant, {
      monthly_limit_usd: 500,
      alert_thresholds: [0.8, 0.9, 0.95],
      action_on_exceed: 'block',
    });
    await spend(database(), tenant, [{ usd: '499.999998' }]);
    expect(await ask('0.000002')).toEqual({ allowed: true, reason: 'within_budget', remaining_usd: '0.000002' });
    expect(await ask('0.000003')).toEqual({ allowed: false, reason: 'monthly_usd', remaining_usd: '0.000002' });
  });

  it('shows spend beyond the limit as less than nothing left', async () => {
    await setBudget(database(), tenant, { daily_limit_usd: 1 });
    await spend(database(), tenant, [{ usd: 3 }]);
    expect(await ask(0)).toEqual({ allowed: false, reason: 'daily_usd', remaining_usd: '-2' });
  });

  it('only tells where the budget only alerts', async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 1, action_on_exceed: 'alert_only' });
    await spend(database(), tenant, [{ usd: 3 }]);
    expect(await ask(1)).toMatchObject({ allowed: true, reason: 'alert_only' });
  });

  it('holds a project to its own budget and to that of its tenant, and another project to the tenant’s only', async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 10 });
    await setBudget(database(), tenant, { monthly_limit_usd: 2 }, 'atlas');
    await spend(database(), tenant, [{ usd: 1.5, project: 'atlas' }]);
    expect(await ask(1, 'atlas')).toEqual({ allowed: false, reason: 'project_monthly_usd', remaining_usd: '0.5' });
    expect(await ask(1, 'other')).toEqual({ allowed: true, reason: 'within_budget', remaining_usd: '8.5' });
    expect(await ask(9, 'other')).toMatchObject({ allowed: false, reason: 'monthly_usd' });
  });

  it('refuses when the tokens are used up', async () => {
    await setBudget(database(), tenant, { daily_tokens_limit: 100 });
    await spend(database(), tenant, [{ usd: 0, tokens: 99 }]);
    expect(await ask(0)).toEqual({ allowed: true, reason: 'within_budget', remaining_usd: null });
    await spend(database(), tenant, [{ usd: 0, tokens: 1 }]);
    expect(await ask(0)).toEqual({ allowed: false, reason: 'daily_tokens', remaining_usd: null });
  });

  it.each([[null], ['NaN'], [-1], ['1e12']])('fails closed for the estimate %s', async (estimate) => {
    await setBudget(database(), tenant, { monthly_limit_usd: 10 });
    expect(await ask(estimate)).toEqual({ allowed: false, reason: 'estimate_invalid', remaining_usd: null });
  });

  it('is loud without a tenant', async () => {
    await connected(database().url('rae_api'), async (client) => {
      await expect(client.query('select * from public.rae_budget_allows(1)')).rejects.toMatchObject({ code: '42501' });
    });
  });

  it('unblocks at once when the limit is raised or the spend corrected', async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 1 });
    const [id] = await spend(database(), tenant, [{ usd: 1 }]);
    expect(await ask(0.5)).toMatchObject({ allowed: false });
    await setBudget(database(), tenant, { monthly_limit_usd: 2 });
    expect(await ask(0.5)).toMatchObject({ allowed: true });
    await setBudget(database(), tenant, { monthly_limit_usd: 1 });
    await inTenant(
      database(),
      tenant,
      'update public.cost_logs set total_cost_usd = 0.5 where tenant_id = $1 and id = $2',
      [tenant, id],
    );
    expect(await ask(0.5)).toMatchObject({ allowed: true });
  });
});

describe('flaws of the original', () => {
  it('flaw 13: a budget is enforced, and a guard that cannot look refuses', async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 1 });
    await spend(database(), tenant, [{ usd: 2 }]);
    expect(await ask(0.1)).toMatchObject({ allowed: false, reason: 'monthly_usd' });
    await database().admin('revoke select on public.cost_budgets from rae_api');
    try {
      expect(await ask(0.1)).toEqual({ allowed: false, reason: 'check_failed', remaining_usd: null });
      await expect(reserve(0.1)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await database().admin('grant select on public.cost_budgets to rae_api');
    }
  });

  it('flaw 14: the first spend of a day and of a month counts', async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 10, daily_limit_usd: 5 });
    await spend(database(), tenant, [{ usd: 4, at: daysAgo(40) }]);
    await spend(database(), tenant, [{ usd: 4 }]);
    expect(await ask(0)).toMatchObject({ remaining_usd: '1' });
    expect(await ask(2)).toMatchObject({ allowed: false, reason: 'daily_usd' });
  });

  it('flaw 15: whoever was blocked yesterday is not blocked today, though nothing was written meanwhile', async () => {
    await setBudget(database(), tenant, { daily_limit_usd: 5 });
    await spend(database(), tenant, [{ usd: 50, at: daysAgo(1) }]);
    expect(await ask(5)).toEqual({ allowed: true, reason: 'within_budget', remaining_usd: '5' });
  });

  it('flaw 16: 200 callers at the last dollar reserve just what is left, and the session’s time zone plays no part', async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 1, time_zone: 'America/Havana' });
    await spend(database(), tenant, [{ usd: 0.5 }]);
    let granted = 0;
    const refusals = new Set<unknown>();
    const callers = Array.from({ length: 20 }, async (_none, caller) => {
      await connected(database().url('rae_api'), async (client) => {
        await client.query(`set timezone = '${caller % 2 === 0 ? 'Pacific/Kiritimati' : 'Pacific/Pago_Pago'}'`);
        for (let turn = 0; turn < 10; turn += 1) {
          await client.query('begin');
          try {
            await client.query('select public.rae_enter_tenant($1)', [tenant]);
            await client.query('select public.rae_budget_reserve(0.03)');
            await client.query('commit');
            granted += 1;
          } catch (error) {
            refusals.add((error as { code?: unknown }).code);
            await client.query('rollback');
          }
        }
      });
    });
    await Promise.all(callers);
    expect(granted).toBe(16);
    expect([...refusals]).toEqual(['53400']);
    expect(await ask(0.02)).toEqual({ allowed: true, reason: 'within_budget', remaining_usd: '0.02' });
  });
});

describe('rae_budget_reserve and rae_budget_settle', () => {
  beforeEach(async () => {
    await setBudget(database(), tenant, { monthly_limit_usd: 1 });
  });

  it('refuses by an error that names the limit', async () => {
    await reserve(0.9);
    await expect(reserve(0.2)).rejects.toMatchObject({
      code: '53400',
      message: 'the budget does not allow it: monthly_usd',
      detail: 'asked for 0.2 US dollars, 0.1 left',
    });
  });

  it('does not let a caller overshoot who reads what was there before it waited', async () => {
    await reserve(0.1);
    const outcomes = await connected(database().url('rae_api'), async (first) =>
      connected(database().url('rae_api'), async (second) => {
        for (const client of [first, second]) {
          await client.query('begin isolation level repeatable read');
          await client.query('select public.rae_enter_tenant($1)', [tenant]);
          await client.query('select count(*) from public.cost_logs');
        }
        await first.query('select public.rae_budget_reserve(0.9)');
        const late = second
          .query('select public.rae_budget_reserve(0.9)')
          .catch((error: { code: string }) => error.code);
        await first.query('commit');
        return await late;
      }),
    );
    expect(outcomes).toBe('40001');
  });

  it('writes the cost log and frees what was reserved; the same once more changes nothing', async () => {
    const id = await reserve(0.9, 'atlas');
    expect(await ask(0)).toMatchObject({ remaining_usd: '0.1' });
    expect(await settle(id)).toEqual([{ id }]);
    expect(await settle(id)).toEqual([{ id }]);
    expect(await ask(0)).toMatchObject({ remaining_usd: '0.75' });
    expect(
      await database().admin(
        'select id, project_id, model, total_cost_usd from public.cost_logs where tenant_id = $1',
        [tenant],
      ),
    ).toEqual([{ id, project_id: 'atlas', model: 'gpt-4o', total_cost_usd: '0.25' }]);
  });

  it('settles once, however many settle at the same time', async () => {
    const id = await reserve(0.9);
    await Promise.all(Array.from({ length: 8 }, () => settle(id)));
    expect(await ask(0)).toMatchObject({ remaining_usd: '0.75' });
  });

  it('takes money as text too, and leaves out what is not given', async () => {
    const id = await reserve(0.9);
    await settle(id, { ...CALL, total_cost_usd: '0.123456', input_tokens: 12, cache_hit: true });
    expect(
      await database().admin(
        'select total_cost_usd, total_tokens, cache_hit, error from public.cost_logs where id = $1',
        [id],
      ),
    ).toEqual([{ total_cost_usd: '0.123456', total_tokens: '12', cache_hit: true, error: false }]);
  });

  it('says of one that was settled with other figures, that lapsed or that is not there, what it is', async () => {
    const settled = await reserve(0.1);
    await settle(settled);
    await expect(settle(settled, { ...CALL, total_cost_usd: 9 })).rejects.toMatchObject({
      code: '55000',
      message: expect.stringContaining('was settled at') as unknown,
    });
    const lapsed = await reserve(0.5);
    await database().admin(
      "update public.budget_reservations set lapses_at = now() - interval '1 second' where reservation_id = $1",
      [lapsed],
    );
    expect(await ask(0)).toMatchObject({ remaining_usd: '0.75' });
    await expect(settle(lapsed)).rejects.toMatchObject({
      code: '55000',
      message: expect.stringContaining('lapsed at') as unknown,
      hint: expect.stringContaining('insert into cost_logs') as unknown,
    });
    await expect(settle('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      code: 'P0002',
      message: 'there is no reservation 00000000-0000-4000-8000-000000000000',
    });
  });

  it.each([
    [{ ...CALL, modle: 'x' }, "the cost has a field 'modle', which cost logs do not have", 'did you mean model?'],
    [{ ...CALL, input_tokens: 'many' }, 'input_tokens is "many"; expected integer', undefined],
    [{ provider: 'openai' }, 'the cost lacks model, operation', expect.stringContaining('"model"') as unknown],
    [{ ...CALL, project_id: 'other' }, "project_id is 'other'; it was reserved for 'default'", undefined],
    [[], 'the cost is array; expected a JSON object', undefined],
  ])('refuses %j with what is wrong', async (cost, message, hint) => {
    const id = await reserve(0.1);
    await expect(settle(id, cost)).rejects.toMatchObject({
      code: '22023',
      message,
      ...(hint === undefined ? {} : { hint }),
    });
    await expect(settle(id)).resolves.toHaveLength(1);
  });

  it.each([
    [{ monthly_limit_us: 1 }, "a budget has no field 'monthly_limit_us'", 'did you mean monthly_limit_usd?'],
    [
      { monthly_limit_usd: '5' },
      'monthly_limit_usd is "5"; expected a number of US dollars from 0 to below 1e12, or null for no limit',
      undefined,
    ],
    [
      { daily_tokens_limit: 1.5 },
      'daily_tokens_limit is 1.5; expected a whole number of tokens from 0 to 1e15, or null for no limit',
      undefined,
    ],
    [
      { alert_thresholds: [0.5, -1] },
      'alert_thresholds is {0.5,-1}; expected at most 20 shares of the limit, each above 0 and at most 10, such as 0.8',
      undefined,
    ],
    [{ action_on_exceed: 'stop' }, 'action_on_exceed is "stop"; expected "block" or "alert_only"', undefined],
    [
      { time_zone: 'Europe/Berln' },
      "time_zone is 'Europe/Berln'; expected an IANA zone such as Europe/Berlin",
      'did you mean Europe/Berlin?',
    ],
    [{ channels: [{ type: 'sms' }] }, 'the channel\'s type is "sms"; expected "webhook" or "email"', undefined],
  ])('does not store %j, and says why', async (document, message, hint) => {
    await expect(setBudget(database(), tenant, document)).rejects.toMatchObject({
      code: '22023',
      message,
      ...(hint === undefined ? {} : { hint }),
    });
    expect(await ask(1)).toMatchObject({ reason: 'within_budget', remaining_usd: '1' });
  });
});

describe('rae_budget_set', () => {
  it('changes what it is given and leaves the rest; null gives the default again', async () => {
    const read = async () =>
      await database().admin(
        'select monthly_limit_usd, daily_limit_usd, alert_thresholds, time_zone, version from public.cost_budgets where tenant_id = $1',
        [tenant],
      );
    const id = await setBudget(database(), tenant, {
      monthly_limit_usd: 5,
      alert_thresholds: [0.9, 0.5, 0.5],
      time_zone: 'Asia/Kathmandu',
    });
    expect(await setBudget(database(), tenant, { daily_limit_usd: 1 })).toBe(id);
    const stored = {
      monthly_limit_usd: '5',
      daily_limit_usd: '1',
      alert_thresholds: [0.5, 0.9],
      time_zone: 'Asia/Kathmandu',
      version: 3,
    };
    expect(await read()).toEqual([stored]);
    await setBudget(database(), tenant, { daily_limit_usd: 1 });
    expect(await read()).toEqual([stored]);
    await setBudget(database(), tenant, { monthly_limit_usd: null, time_zone: null });
    expect(await read()).toEqual([{ ...stored, monthly_limit_usd: null, time_zone: 'UTC', version: 4 }]);
  });
});

describe('rae_llm_profile', () => {
  const profile = async () =>
    (
      await inTenant<{ model: string | null; reason: string }>(
        database(),
        tenant,
        'select * from public.rae_llm_profile()',
      )
    )[0];
  const store = async (limit: number | null) => {
    await inTenant(
      database(),
      tenant,
      "insert into public.llm_profiles (tenant_id, default_model, fallback_chain, budget_usd_monthly) values ($1, 'gpt-4o', '{gpt-4o-mini,phi-3}', $2)",
      [tenant, limit],
    );
  };

  it('says that there is none, or nothing that limits it', async () => {
    expect(await profile()).toEqual({ model: null, reason: 'no_profile' });
    await store(null);
    expect(await profile()).toEqual({ model: 'gpt-4o', reason: 'no_limit' });
  });

  it('walks down the chain as thresholds are passed, by the strictest limit, and says which', async () => {
    await store(10);
    await setBudget(database(), tenant, { monthly_limit_usd: 20 });
    await spend(database(), tenant, [{ usd: 7 }]);
    expect(await profile()).toEqual({ model: 'gpt-4o', reason: 'below_thresholds: 7.000000 of 10 budget_usd_monthly' });
    await spend(database(), tenant, [{ usd: 1.5 }]);
    expect(await profile()).toEqual({
      model: 'gpt-4o-mini',
      reason: 'profile_threshold: 8.500000 of 10 budget_usd_monthly',
    });
    await setBudget(database(), tenant, { monthly_limit_usd: 9 });
    expect(await profile()).toEqual({ model: 'phi-3', reason: 'budget_threshold: 8.500000 of 9 monthly_usd' });
    await spend(database(), tenant, [{ usd: 0.5 }]);
    expect(await profile()).toEqual({ model: null, reason: 'budget_blocks: 9.000000 of 9 monthly_usd' });
    await setBudget(database(), tenant, { action_on_exceed: 'alert_only' });
    expect(await profile()).toEqual({ model: 'phi-3', reason: 'budget_threshold: 9.000000 of 9 monthly_usd' });
  });
});
