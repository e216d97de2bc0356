import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { useDatabase } from '../support/database.ts';
import { ownRae } from '../support/own-cli.ts';

const database = useDatabase();
const api = useApi(database);
const folder = mkdtempSync(join(tmpdir(), 'rae-over-api-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let url = '';
let operator = '';
let tenant: { readonly id: string; readonly key: string };

beforeAll(async () => {
  url = `http://127.0.0.1:${await api().server.listen(0, '127.0.0.1')}`;
  operator = await api().operator();
  tenant = await api().tenant();
  await database().admin(
    `with daily as (insert into public.cadences (worker, cron, time_zone, next_at)
       values ('decay', '0 2 * * *', 'UTC', now() + interval '1 day') returning cadence_id, worker)
     insert into public.tenant_cadences (tenant_id, worker, cadence_id) select $1, worker, cadence_id from daily`,
    [tenant.id],
  );
});

const over = (key: string, args: readonly string[]) => ownRae({ RAE_API_URL: url, RAE_API_KEY: key }, args);
const onDatabase = (args: readonly string[]) => ownRae({ RAE_DATABASE_URL: database().url('admin') }, args);
/** The one JSON document of a command that does what it is asked. */
async function done(key: string, args: readonly string[]) {
  const { code, out, err } = await over(key, [...args, '--json']);
  expect({ args, code, err: code === 0 ? '' : err }).toEqual({ args, code: 0, err: '' });
  return JSON.parse(out);
}
const asOperator = (...args: string[]) => done(operator, args);

/** A file with this in it. */
function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('commands of operators over the API', () => {
  it('make, list, show and change tenants as on the database', async () => {
    const create = ['tenant', 'create', '--name', 'Globex', '--external-id', 'globex.example'];
    const made = await asOperator(...create);
    expect(made).toMatchObject({ created: true, plan: 'free', api_key: expect.stringMatching(/^rae_/) });
    const id = made.tenant_id as string;
    expect(await asOperator(...create)).toMatchObject({ created: false, tenant_id: id, api_key: null });
    const dedicated = { changed: true, placement: 'dedicated', placement_by: 'plan' };
    expect(await asOperator('tenant', 'set-plan', id, 'enterprise')).toMatchObject(dedicated);
    expect(await asOperator('tenant', 'place', id, 'shared')).toMatchObject({ placement_by: 'operator' });
    expect(await asOperator('tenant', 'set-share', id, '--cap', '7')).toMatchObject({ run_cap: 7 });
    expect(await asOperator('tenant', 'suspend', id)).toMatchObject({ changed: true, status: 'suspended' });
    expect(await asOperator('tenant', 'suspend', id)).toMatchObject({ changed: false });
    expect(await asOperator('tenant', 'resume', id)).toMatchObject({ status: 'active' });
    const { quotas } = await asOperator('tenant', 'set-quota', id, '--max-backlog', '7');
    expect(quotas).toContainEqual({ quota: 'max_backlog', limit: 7, by: 'operator', used: 0, remaining: 7 });
    const shown = await onDatabase(['tenant', 'show', id, '--json']);
    expect(await asOperator('tenant', 'show', id)).toMatchObject(JSON.parse(shown.out));
    const idsOf = (page: { tenants: { tenant_id: string }[] }) => page.tenants.map((one) => one.tenant_id);
    const all = idsOf(await asOperator('tenant', 'list'));
    expect(await asOperator('tenant', 'list', '--limit', '1')).toMatchObject({ next: all[0] });
    expect(idsOf(await asOperator('tenant', 'list', '--after', String(all[0])))).toEqual(all.slice(1));
    const entered = JSON.parse((await onDatabase(['audit', 'list', '--tenant', id, '--json'])).out).entries;
    const byKey = entered.filter(({ actor }: { actor: string }) => actor.startsWith('operator key '));
    expect(byKey.map(({ action }: { action: string }) => action)).toEqual([
      ...['tenant.quota_set', 'tenant.active', 'tenant.suspended', 'tenant.share_set', 'tenant.placed'],
      ...['tenant.plan_set', 'key.created', 'budget.set', 'tenant.created'],
    ]);
  });

  it('look at queues, pause, bound and price, and make cycles', async () => {
    const pause = await asOperator('queue', 'pause', '--worker', 'delivery', '--reason', 'provider is down', '--abort');
    expect(pause).toMatchObject({ worker: 'delivery', tenant_id: null, still_running: 0 });
    expect(await asOperator('queue', 'pauses')).toMatchObject([{ pause_id: pause.pause_id }]);
    expect((await asOperator('queue', 'resume', '--worker', 'delivery')).lifted).toMatchObject([
      { worker: 'delivery' },
    ]);
    expect(await asOperator('queue', 'list')).toContainEqual(expect.objectContaining({ queue: 'rae.decay.p00' }));
    const limit = { tenant_id: tenant.id, worker: 'delivery', run_cap: 3, rate: '600/m', burst: 10 };
    const bound = ['limit', 'set', 'delivery', '--tenant', tenant.id, '--rate', '600/m', '--cap', '3'];
    expect(await asOperator(...bound)).toMatchObject(limit);
    expect(await asOperator('limit', 'list')).toMatchObject([limit]);
    const prices = file('prices.csv', 'model,input_per_million,output_per_million\nnew-model,2.5,10\n');
    expect(await asOperator('price', 'import', prices)).toMatchObject({ prices: 1, changed: 1 });
    const listed = { prices: [{ model: 'new-model', input_per_million: '2.5' }] };
    expect(await asOperator('price', 'list', '--model', 'new-model')).toMatchObject(listed);
    const cycle = await asOperator('cycle', 'run', 'decay', '--at', '2026-11-20T02:00:00Z', '--tenant', tenant.id);
    expect(cycle).toMatchObject({ worker: 'decay', slots: ['2026-11-20T02:00:00.000Z'] });
    expect(await asOperator('cycle', 'list')).toMatchObject([{ worker: 'decay', origin: 'command' }]);
    expect(await asOperator('cycle', 'show', 'decay', '2026-11-20T02:00:00Z')).toMatchObject({ worker: 'decay' });
    const back = await asOperator('cycle', 'backfill', 'decay', '--from', '2026-11-10', '--to', '2026-11-12');
    expect(back).toMatchObject({ total: 2, slots: ['2026-11-10T02:00:00.000Z', '2026-11-11T02:00:00.000Z'] });
  });

  it('say what is not for the API', async () => {
    const dry = await over(operator, ['cycle', 'run', 'retention-purge', '--dry-run']);
    expect(dry).toMatchObject({ code: 4, err: expect.stringContaining('--dry-run looks into') });
    const owner = await over(operator, ['queue', 'resume', '--all', '--owner', 'me']);
    expect(owner).toMatchObject({ code: 2, err: expect.stringContaining('--owner is not for the API') });
    const alone = await over(operator, ['tenant', 'export', tenant.id]);
    expect(alone).toMatchObject({ code: 4, err: expect.stringContaining('on the database alone') });
    const refused = await over(tenant.key, ['tenant', 'list']);
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('tenants:manage') });
  });
});

describe('commands of tenants over the API', () => {
  const asTenant = (...args: string[]) => done(tenant.key, args);

  it('list, add and remove members and give them roles, but not the last admin', async () => {
    expect(await asTenant('member', 'list')).toEqual({ tenant_id: tenant.id, members: [] });
    const ada = await asTenant('member', 'add', 'ada@acme.example', '--role', 'tenant_admin');
    expect(ada).toMatchObject({ tenant_id: tenant.id, email: 'ada@acme.example', role: 'tenant_admin', changed: true });
    expect(await asTenant('member', 'add', 'ada@acme.example', '--role', 'tenant_admin')).toMatchObject({
      changed: false,
    });
    const last = await over(tenant.key, ['member', 'remove', 'ada@acme.example']);
    expect(last).toMatchObject({ code: 4, err: expect.stringContaining('keeps its last admin') });
    await asTenant('member', 'add', 'bob@acme.example', '--role', 'tenant_viewer');
    const promoted = ['member', 'set-role', 'bob@acme.example', 'tenant_admin'];
    expect(await asTenant(...promoted)).toMatchObject({ role: 'tenant_admin', changed: true });
    expect(await asTenant('member', 'remove', ada.member_id)).toMatchObject({ removed: true });
    const { out } = await onDatabase(['member', 'list', '--tenant', tenant.id, '--json']);
    expect(JSON.parse(out).members).toMatchObject([{ email: 'bob@acme.example', role: 'tenant_admin' }]);
    const nobody = await over(tenant.key, ['member', 'set-role', 'eve@acme.example', 'tenant_user']);
    expect(nobody).toMatchObject({ code: 3 });
  });

  it('test and backtest rules, stored or in a file, and list what a rule did', async () => {
    const rule = {
      rule_name: 'drift',
      event_types: ['drift_detected'],
      condition_group: {
        operator: 'AND',
        conditions: [{ field: 'payload.score', operator: 'greater_than', value: 0.5 }],
      },
      actions: [{ action_type: 'emit_event', config: { event_type: 'custom.drifted', payload: {} } }],
    };
    const path = file('rule.json', JSON.stringify(rule));
    const event = file('event.json', JSON.stringify({ event_type: 'drift_detected', payload: { score: 0.7 } }));
    const stored = await asTenant('rule', 'set', '--file', path);
    const fires = { outcome: 'fires', rule_name: 'drift', actions: [{ type: 'emit_event', would: { kind: 'event' } }] };
    expect(await asTenant('rule', 'test', '--file', path, '--event', event)).toMatchObject({
      ...fires,
      trigger_id: null,
    });
    const tested = await asTenant('rule', 'test', 'drift', '--event', event);
    expect(tested).toMatchObject({ ...fires, trigger_id: stored.trigger_id });
    const { out } = await onDatabase(['rule', 'test', 'drift', '--event', event, '--tenant', tenant.id, '--json']);
    expect(tested).toEqual(JSON.parse(out));
    expect(await asTenant('rule', 'backtest', 'drift')).toMatchObject({ events: 0, fired: 0, firings: [] });
    expect(await asTenant('rule', 'list', 'drift')).toMatchObject({ executions: [] });
    const unknown = await over(tenant.key, [
      'rule',
      'test',
      'drift',
      '--event',
      '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e',
    ]);
    expect(unknown).toMatchObject({ code: 3 });
  });

  it('list messages and have them sent again, and set secrets that nobody sees', async () => {
    const id = await api().message(tenant.id);
    expect((await asTenant('message', 'list', '--state', 'dead')).messages).toMatchObject([{ message_id: id }]);
    expect(await asTenant('message', 'retry', id)).toMatchObject({ retried: 1 });
    expect(await asTenant('message', 'retry', '--all')).toMatchObject({ retried: 0 });
    const value = file('secret', 'whsec_very-secret\n');
    expect(await asTenant('secret', 'set', 'webhook.billing', '--file', value)).toMatchObject({ version: 1 });
    const missing = await over(tenant.key, ['secret', 'rotate', 'webhook.other', '--file', value]);
    expect(missing).toMatchObject({ code: 3, err: expect.stringContaining('webhook.billing') });
    const rotated = await asTenant('secret', 'rotate', 'webhook.billing', '--generate');
    expect(rotated).toMatchObject({ version: 2, value: expect.stringMatching(/^whsec_/) });
    const { secrets } = await asTenant('secret', 'list');
    expect(secrets).toMatchObject([{ version: 2, valid_until: null }, { version: 1 }]);
    expect(JSON.stringify(secrets)).not.toContain('whsec_');
    const master = await over(tenant.key, ['secret', 'rotate', '--master']);
    expect(master).toMatchObject({ code: 4, err: expect.stringContaining('not for the API') });
  });
});
