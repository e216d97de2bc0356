import { beforeAll, describe, expect, it } from 'vitest';
import { onboard } from '../../src/access/onboarding.ts';
import { OPERATOR } from '../../src/audit/log.ts';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { useDatabase } from '../support/database.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';

const database = useDatabase();
const redis = useRedis();
// After the others, so that its processes end before those look for what was left open.
useProcesses('all');
let env: Readonly<Record<string, string>> = {};
let tenant = '';

beforeAll(async () => {
  const api = new TestFleet({ database: database(), redisUrl: redis() }).api();
  await ready(api);
  const { port } = await api.event('port.opened', { purpose: 'the API' });
  const made = await onboard(
    new TenantRegistry(database().open('rae_operator')),
    { name: 'Acme', plan: 'free' },
    OPERATOR,
  );
  tenant = made.tenant.tenantId;
  env = { RAE_API_URL: `http://127.0.0.1:${port}`, RAE_API_KEY: made.apiKey ?? '' };
});

/** Runs `rae` over the API; with `onDatabase` on the database instead. */
async function rae(args: readonly string[], onDatabase = false) {
  const own = onDatabase ? { RAE_DATABASE_URL: database().url('admin') } : env;
  const started = startRae([...args, ...(onDatabase ? ['--tenant', tenant] : [])], own);
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}
const json = async (...args: string[]) => JSON.parse((await rae([...args, '--json'])).out);

describe('commands over the API', () => {
  it('show the same as on the database, of the tenant whose key it is', async () => {
    for (const words of [
      ['policy', 'get', 'decay'],
      ['budget', 'show'],
      ['usage', '--by', 'day'],
      ['audit', 'verify'],
    ]) {
      const both = await Promise.all([false, true].map((onDatabase) => rae([...words, '--json'], onDatabase)));
      const [over, on] = both.map(({ out, ...rest }) => ({ ...rest, ...JSON.parse(out), quotas: [] }));
      expect(over).toEqual(on);
      expect(over).toMatchObject({ code: 0, tenant_id: tenant });
    }
    expect((await json('key', 'list')).keys).toHaveLength(1);
    expect((await json('audit', 'list')).entries.map(({ action }: { action: string }) => action)).toEqual([
      ...['key.created', 'budget.set', 'tenant.created'],
    ]);
  });

  it('change what they change on the database, under the name of the key', async () => {
    expect(await json('policy', 'set', 'decay', '--set', 'rate=0.02')).toMatchObject({ version: 1, changed: true });
    expect(await json('policy', 'set', 'decay', '--set', 'rate=0.02')).toMatchObject({ version: 1, changed: false });
    const budget = await json('budget', 'set', '--project', 'atlas', '--set', 'daily_limit_usd=20');
    expect(budget).toMatchObject({ tenant_id: tenant, project: 'atlas', daily_limit_usd: '20' });
    expect(await json('budget', 'set', '--project', 'atlas', '--remove')).toMatchObject({ removed: true });
    const rule = ['rule', 'set', 'dear', '--template', 'budget_guard', '--param', 'to=["ops@acme.example"]'];
    expect(await json(...rule)).toMatchObject({ tenant_id: tenant, created: true, version: 1, state: 'on' });
    expect(await json('rule', 'set', 'dear', '--set', 'priority=9')).toMatchObject({
      changed: true,
      rule: { priority: 9 },
    });
    expect(await json('rule', 'remove', 'dear')).toMatchObject({ removed: true });
    const made = await json('key', 'create', '--name', 'other');
    expect(made).toMatchObject({ tenant_id: tenant, role: 'service_account', api_key: expect.stringMatching(/^rae_/) });
    expect(await json('key', 'revoke', made.key_id)).toMatchObject({ revoked: true });
    const [run] = await database().admin<{ run_id: string }>(
      "insert into public.runs (tenant_id, worker, origin) values ($1, 'decay', 'request') returning run_id",
      [tenant],
    );
    const id = run?.run_id ?? '';
    expect(await json('run', 'list')).toMatchObject([{ run_id: id, tenant_id: tenant, state: 'owed' }]);
    expect(await json('run', 'why', id)).toMatchObject({ run_id: id, state: 'owed' });
    expect(await json('run', 'cancel', id)).toEqual({ cancelled: id });
    expect(await json('run', 'show', id)).toMatchObject({ state: 'skipped', reason: 'cancelled' });
    const actors = (await json('audit', 'list')).entries.map(({ actor }: { actor: string }) => actor.split(' ')[0]);
    expect(actors.slice(0, 3)).toEqual(['key', 'key', 'key']);
  });

  it('say what the API says, and which of them need the database', async () => {
    expect(await rae(['run', 'show', '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e'])).toMatchObject({ code: 3 });
    const refused = await rae(['policy', 'set', 'decay', '--set', 'raet=1']);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('raet') });
    const { code, err } = await rae(['tenant', 'export', tenant]);
    expect({ code, err }).toMatchObject({ code: 4, err: expect.stringContaining('on the database alone') });
    expect(await rae(['tenant', 'list'])).toMatchObject({ code: 4, err: expect.stringContaining('tenants:manage') });
  });
});

describe('keys and audit logs on the database', () => {
  it('are made, listed, revoked and verified', async () => {
    const made = JSON.parse((await rae(['key', 'create', '--name', 'by hand', '--json'], true)).out);
    expect((await rae(['key', 'list'], true)).out).toContain('by hand');
    expect(await rae(['key', 'revoke', made.key_id], true)).toMatchObject({ code: 0 });
    expect((await rae(['audit', 'list'], true)).out).toContain('key.revoked');
    expect(await rae(['audit', 'verify', '--json'], true)).toMatchObject({ code: 0 });
    await database().admin("update public.audit_log set actor = 'x' where tenant_id = $1 and seq = 2", [tenant]);
    expect(await rae(['audit', 'verify'], true)).toMatchObject({ code: 1, out: expect.stringContaining('entry 2 is') });
  });
});
