import { expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

useProcesses();
const database = useDatabase();
const redis = useRedis();

async function rae(...args: readonly string[]) {
  const env = { RAE_DATABASE_URL: database().url('rae_operator'), RAE_REDIS_URL: redis() };
  const started = startRae([...args, '--json'], { XDG_STATE_HOME: '/nonexistent', ...env });
  const { code } = await started.ended();
  return { code, err: started.err, json: started.out === '' ? undefined : (JSON.parse(started.out) as unknown) };
}

it('what operators hold back is set, shown by the doctor and taken away by command', async () => {
  const tenant = await addTenant(database());
  const of = ['--tenant', tenant, '--owner', 'ops@acme.example'];
  expect(await rae('queue', 'pause', ...of, '--reason', 'runaway imports')).toMatchObject({
    json: { tenant_id: tenant, worker: null, owner: 'ops@acme.example', reason: 'runaway imports', taken_back: 0 },
  });
  expect(await rae('limit', 'set', 'decay', ...of, '--cap', '2', '--rate', '10/s')).toMatchObject({
    json: { tenant_id: tenant, worker: 'decay', run_cap: 2, rate: '10/s', burst: 10 },
  });
  const window = ['window', 'add', ...of, '--time-zone', 'Europe/Berlin'];
  const added = await rae(...window, '--open', 'daily  22:00-06:00', '--worker', 'decay');
  expect(added).toMatchObject({
    json: { tenant_id: tenant, worker: 'decay', kind: 'maintenance', hours: 'daily 22:00-06:00', reason: null },
  });
  for (const wrong of [
    ['--open', 'at night'],
    ['--open', 'daily 22:00-06:00', '--blackout', 'daily 22:00-06:00'],
  ])
    expect(await rae(...window, ...wrong)).toMatchObject({ code: 2 });
  const doctor = (await rae('doctor')).json as { checks: readonly { check: string; found: string }[] };
  expect(doctor.checks.filter(({ check }) => check === 'pauses').map(({ found }) => found)).toEqual([
    expect.stringMatching(`^tenant ${tenant}: paused by ops@acme.example since .*: runaway imports$`),
  ]);
  const { window_id: id } = added.json as { window_id: string };
  expect(await rae('window', 'remove', id, ...of)).toMatchObject({ code: 0, json: { removed: { window_id: id } } });
  expect(await rae('window', 'list')).toMatchObject({ code: 0, json: [] });
  expect(await rae('queue', 'resume', ...of)).toMatchObject({ json: { lifted: [{ tenant_id: tenant }] } });
}, 60_000);
