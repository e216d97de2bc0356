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
