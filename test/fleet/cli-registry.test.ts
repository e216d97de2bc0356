import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFleetFile } from '../../src/cli/fleet-file.ts';
import { useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';

useProcesses();
const database = useDatabase();
const redis = useRedis();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rae-cli-'));
  const url = database().url.bind(database());
  writeFleetFile(folder, {
    version: 1,
    pid: process.pid,
    startedAt: '2026-11-23T12:00:00.000Z',
    urls: {
      owner: url('admin'),
      scheduler: url('rae_scheduler'),
      worker: url('rae_worker'),
      api: url('rae_api'),
      operator: url('rae_operator'),
    },
    redisUrl: redis(),
    metricsPorts: {},
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `rae` to its end on the fleet of this file's data directory. */
async function rae(...args: readonly string[]) {
  const started = startRae([...args, '--data', folder]);
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await rae(...args, '--json');
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out) as Record<string, unknown>;
}

describe('tenants by command', () => {
  it('are made, shown, listed and changed, each saying what it did', async () => {
    const made = await json(
      ...['tenant', 'create', '--name', 'Acme Corp', '--plan', 'enterprise'],
      ...['--admin-email', 'admin@acme.com', '--metadata', '{"region":"eu"}'],
    );
    expect(made).toMatchObject({
      tenant_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'Acme Corp',
      plan: 'enterprise',
      created_at: expect.stringMatching(/Z$/),
      settings: {},
      project_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      contact_email: 'admin@acme.com',
      metadata: { region: 'eu' },
    });
    const id = String(made.tenant_id);
    expect(await json('tenant', 'show', id)).toMatchObject({ name: 'Acme Corp', projects: [{ name: 'default' }] });
    expect(await json('tenant', 'suspend', id)).toMatchObject({ status: 'suspended', changed: true });
    expect(await json('tenant', 'suspend', id)).toMatchObject({ status: 'suspended', changed: false });
    expect(await json('tenant', 'list', '--status', 'suspended')).toMatchObject({
      tenants: [{ tenant_id: id }],
      next: null,
    });
    expect(await json('tenant', 'place', id, 'shared')).toMatchObject({ placement: 'shared', placement_epoch: 1 });
    expect(await json('tenant', 'set-plan', id, 'pro')).toMatchObject({ plan: 'pro', changed: true });
    expect((await rae('tenant', 'resume', id)).out).toBe('Acme Corp is now active, on plan pro, placed shared\n');
    expect((await rae('tenant', 'resume', id)).out).toContain('was already active');
  });

  it('get a share of their own, and the one of their plan again', async () => {
    const id = String((await json('tenant', 'create', '--name', 'Acme', '--plan', 'pro')).tenant_id);
    const byPlan = { weight: 2, weight_by: 'plan', run_cap: 4, run_cap_by: 'plan' };
    expect(await json('tenant', 'show', id)).toMatchObject(byPlan);
    const set = ['tenant', 'set-share', id];
    expect(await json(...set, '--weight', '2.5', '--cap', '20')).toMatchObject({
      ...{ weight: 2.5, weight_by: 'operator', run_cap: 20, run_cap_by: 'operator' },
      changed: true,
    });
    expect((await rae(...set, '--weight', '2.5')).out).toBe(
      'Acme had already weight 2.5 (by an operator), at most 20 runs at once (by an operator)\n',
    );
    expect((await rae('tenant', 'show', id)).out).toMatch(/^share +weight 2\.5 \(by an operator\), at most 20 runs/m);
    expect(await json(...set, '--weight', 'by-plan', '--cap', 'by-plan')).toMatchObject({ ...byPlan, changed: true });
  });

  it.each([
    [['--weight', '0'], '--weight is "0"; expected a number from 0.001 to 999999 with at most 3 decimals, or by-plan'],
    [['--cap', 'by-pln'], 'did you mean by-plan?'],
    [[], 'nothing to change: give --weight or --cap'],
  ])('get no share that cannot be: %j', async (args, says) => {
    const id = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
    const { code, err } = await rae('tenant', 'set-share', id, ...args);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });

  it('are listed page by page, and people are told how to go on', async () => {
    for (const name of ['one', 'two', 'three']) await json('tenant', 'create', '--name', name);
    const first = await rae('tenant', 'list', '--limit', '1');
    expect(first.out.split('\n')).toHaveLength(3);
    const after = /--after (\S+)/.exec(first.err)?.[1] ?? '';
    const second = await json('tenant', 'list', '--limit', '1', '--after', after);
    expect(second).toMatchObject({ tenants: [{}], next: expect.any(String) });
    expect((await rae('tenant', 'list', '--status', 'deleted')).err).toBe('no tenants\n');
  });

  it('that do not exist are not found, and a deleted one is not brought back', async () => {
    const unknown = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
    for (const args of [
      ['show'],
      ['suspend'],
      ['resume'],
      ['set-plan', 'pro'],
      ['set-share', '--cap', '1'],
      ['place', 'shared'],
    ]) {
      const [name = '', ...values] = args;
      expect(await rae('tenant', name, unknown, ...values)).toMatchObject({ code: 3, out: '' });
    }
    const { tenant_id: id } = await json('tenant', 'create', '--name', 'gone');
    await database().admin("update public.tenants set status = 'deleted' where tenant_id = $1", [id]);
    expect(await rae('tenant', 'resume', String(id))).toMatchObject({
      code: 4,
      err: `error: the tenant ${id} is deleted; that cannot be taken back\n`,
    });
  });

  it('get a plan that exists, or the nearest is named', async () => {
    const { code, err } = await rae('tenant', 'create', '--name', 'x', '--plan', 'enterprize');
    expect(code).toBe(2);
    expect(err).toBe('error: there is no plan "enterprize"\ndid you mean enterprise?\n');
  });
});

describe('policies by command', () => {
  it('are changed field by field or by a file, with the version that was seen', async () => {
    const id = String((await json('tenant', 'create', '--name', 'tuned')).tenant_id);
    const of = ['decay', '--tenant', id];
    const set = await json(
      'policy',
      'set',
      ...of,
      '--set',
      'rate=0.5',
      '--set',
      'cron=0 3 * * *',
      '--set',
      'layer_rates.working=0.1',
    );
    expect(set).toMatchObject({
      version: 1,
      changed: true,
      document: { rate: 0.5, cron: '0 3 * * *', layer_rates: { working: 0.1 } },
      effective: { floor: 0.01 },
    });
    expect((await rae('policy', 'get', ...of)).out).toMatch(/^rate +0\.5 +tenant /m);
    const file = join(folder, 'policy.json');
    writeFileSync(file, '{"floor": 0.2}');
    expect(await rae('policy', 'set', ...of, '--file', file, '--expect-version', '7')).toMatchObject({ code: 4 });
    expect(await json('policy', 'set', ...of, '--file', file, '--expect-version', '1')).toMatchObject({
      version: 2,
      document: { floor: 0.2 },
    });
    expect(await json('policy', 'set', ...of, '--unset', 'floor')).toMatchObject({ version: 3, document: {} });
    expect(await json('policy', 'set', ...of, '--unset', 'floor')).toMatchObject({ version: 3, changed: false });
  });

  it.each([
    [
      ['--set', 'rat=1', '--set', 'floor=9'],
      'floor is 9; expected a number from 0 to 1\n  rat is not one of the fields; did you mean rate?',
    ],
    [['--set', 'cron=daily'], 'cron is "daily"; must be five fields (minute hour day month weekday), not 1'],
    [['--set', 'rate'], '--set is "rate"; expected field=value'],
    [['--set', 'rate=0.1', '--set', 'rate=0.2'], 'rate is named twice; say once what it is to be'],
    [['--set', 'rate=0.1', '--unset', 'rate'], 'rate is named twice; say once what it is to be'],
    [['--unset', 'flor'], 'did you mean floor?'],
    [[], 'nothing to change: give --set, --unset or --file'],
    [['--file', '/nonexistent'], '/nonexistent cannot be read'],
    [['--file', 'package.json', '--set', 'rate=1'], '--file replaces the whole policy'],
    [['--file', 'LICENSE'], 'LICENSE is not JSON'],
  ])('that do not fit are refused: %j', async (args, says) => {
    const id = String((await json('tenant', 'create', '--name', 'refused')).tenant_id);
    const { code, err } = await rae('policy', 'set', 'decay', '--tenant', id, ...args);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });

  it('for a worker or a tenant that does not exist are refused', async () => {
    const unknown = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
    expect(await rae('policy', 'get', 'decy', '--tenant', unknown)).toMatchObject({ code: 2 });
    expect(await rae('policy', 'get', 'decay', '--tenant', unknown)).toMatchObject({ code: 3 });
  });
});

describe('a backfill', () => {
  it('of a time without a slot says that there is none, and how a date is read', async () => {
    const { code, out } = await rae('cycle', 'backfill', 'decay', '--from', '2026-11-10', '--to', '2026-11-10');
    expect(code).toBe(0);
    expect(out).toContain('no schedule has a slot in that time; a date alone is its first instant');
  });
});

describe('a login', () => {
  it('that lacks the rights, or a database without the tables, is told in one line what helps', async () => {
    const asWorker = startRae(['tenant', 'list'], { RAE_DATABASE_URL: database().url('rae_worker') });
    expect(await asWorker.ended()).toMatchObject({ code: 4 });
    expect(asWorker.err).toMatch(/^error: the login has not the rights this needs: .*\n.*rae doctor/);
    const wrong = new URL(database().url('rae_operator'));
    wrong.password = 'hunter2';
    const refused = startRae(['tenant', 'list'], { RAE_DATABASE_URL: wrong.href });
    expect(await refused.ended()).toMatchObject({ code: 1 });
    expect(refused.err).not.toContain('hunter2');
    expect(refused.err).toMatch(/check the user, the password/);
  });
});

describe('a tenant that there is not', () => {
  const nobody = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

  it.each([
    ['tenant', 'show', nobody],
    ['policy', 'get', 'decay', '--tenant', nobody],
    ['cycle', 'run', 'decay', '--tenant', nobody],
    ['cycle', 'backfill', 'decay', '--from', '2026-11-10', '--to', '2026-11-11', '--tenant', nobody],
    ['run', 'list', '--tenant', nobody],
    ['run', 'retry', '--all', '--tenant', nobody],
  ])('is not found: rae %s %s', async (...args) => {
    const { code, err } = await rae(...args);
    expect(code).toBe(3);
    expect(err).toContain(`error: there is no tenant ${nobody}\nsee the tenants with: rae tenant list`);
  });
});
