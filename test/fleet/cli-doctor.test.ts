import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { announceAbsent } from '../support/absent-consumer.ts';
import { createDatabase, useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

useProcesses();
const database = useDatabase();
const redis = useRedis();

/** What `rae doctor --json` found, by check, and its exit code. */
async function doctor(env: Readonly<Record<string, string>>) {
  const started = startRae(['doctor', '--json'], { XDG_STATE_HOME: '/nonexistent', ...env });
  const { code } = await started.ended();
  const { ok, checks } = JSON.parse(started.out) as { ok: boolean; checks: readonly Finding[] };
  const of = (check: string) => checks.filter((finding) => finding.check === check);
  return { code, ok, checks, of, failed: checks.filter(({ status }) => status === 'fail').map(({ check }) => check) };
}

const well = () => ({ RAE_DATABASE_URL: database().url('rae_worker'), RAE_REDIS_URL: redis() });

describe('the doctor', () => {
  it('finds a fleet well that services may start on', async () => {
    const { code, ok, failed, of } = await doctor(well());
    expect({ code, ok, failed }).toEqual({ code: 0, ok: true, failed: [] });
    expect(of('row security')[0]?.found).toBe('is forced; services may start as worker');
    expect(of('schema')[0]?.found).toMatch(/^main has all \d+ migrations/);
    expect(of('redis eviction')[0]?.status).toBe('ok');
  });

  it('finds a worker whose work nobody takes: a warning, and a failure where work waits', async () => {
    const idle = await doctor(well());
    const warned = { status: 'warn', mend: 'start one: rae worker decay' };
    expect(idle.of('consumers')).toContainEqual(expect.objectContaining(warned));
    const tenant = await addTenant(database());
    await database().admin("insert into public.runs (tenant_id, worker, origin) values ($1, 'decay', 'request')", [
      tenant,
    ]);
    const url = database().url('rae_operator');
    const waiting = await doctor({ ...well(), RAE_DATABASE_URL: url });
    const failed = { status: 'fail', found: 'decay: no process takes its work, and 1 run waits' };
    expect(waiting.of('consumers')).toContainEqual(expect.objectContaining(failed));
    await announceAbsent(redis(), 60_000);
    const attended = await doctor({ ...well(), RAE_DATABASE_URL: url });
    const taken = { status: 'ok', found: 'decay: 1 process with 100 slots' };
    expect(attended.of('consumers')).toContainEqual(expect.objectContaining(taken));
    await announceAbsent(redis(), 60_000, '3-7,quarantine');
    const parted = await doctor({ ...well(), RAE_DATABASE_URL: url });
    expect(parted.of('consumers').map(({ found }) => found)).toContain(
      'decay: 1 process with 100 slots; 1 of 3-7,quarantine',
    );
    const untaken = parted.of('consumers').filter(({ found }) => found.includes('none takes it'));
    expect(untaken.map(({ status }) => status).sort()).toEqual(['fail', 'warn']);
    expect(untaken.map(({ mend }) => mend)).toContain('start one that does: RAE_CONSUME=1 rae worker decay');
  });

  it('says the same to people, each finding with how to mend it', async () => {
    const started = startRae(['doctor'], { XDG_STATE_HOME: '/nonexistent', RAE_DATABASE_URL: well().RAE_DATABASE_URL });
    expect(await started.ended()).toMatchObject({ code: 1 });
    expect(started.out).toMatch(/^fail {2}redis +RAE_REDIS_URL is not set\n +to mend it: set it/m);
    expect(started.err).toMatch(/^\d+ checks, 1 failed, \d+ warned\n$/);
  });

  it('finds a login that row security does not bind, once', async () => {
    const { code, of } = await doctor({ ...well(), RAE_DATABASE_URL: database().url('admin') });
    expect(code).toBe(1);
    expect(of('row security')).toHaveLength(1);
    expect(of('row security')[0]?.found).toMatch(/is not bound by row security/);
  });

  it('finds a database that was never migrated, and one with an unguarded table', async () => {
    const empty = await createDatabase('empty');
    try {
      const { code, of } = await doctor({ ...well(), RAE_DATABASE_URL: empty.url('rae_worker') });
      expect(code).toBe(1);
      expect(of('schema')[0]).toMatchObject({ status: 'fail', mend: 'rae migrate' });
    } finally {
      await empty.close();
    }
    await database().admin('create table public.leaky (tenant_id uuid)');
    try {
      const { of } = await doctor(well());
      expect(of('row security')[0]).toMatchObject({
        status: 'fail',
        found: expect.stringContaining('the table leaky'),
      });
    } finally {
      await database().admin('drop table public.leaky');
    }
  });

  it('finds a shard of the registry whose address is not set', async () => {
    await database().admin("insert into public.shards (shard) values ('eu_1')");
    try {
      const { of } = await doctor({ ...well(), RAE_DATABASE_URL: database().url('rae_operator') });
      expect(of('shards')).toMatchObject([{ status: 'fail', mend: 'set RAE_SHARD_EU_1_URL' }]);
    } finally {
      await database().admin("delete from public.shards where shard = 'eu_1'");
    }
  });

  it('looks at Redis although Postgres cannot be reached, and the other way round', async () => {
    const nobody = await doctor({ RAE_DATABASE_URL: 'postgres://rae:hunter2@127.0.0.1:1/rae', RAE_REDIS_URL: redis() });
    expect(nobody.failed).toEqual(['postgres']);
    expect(nobody.of('redis')[0]?.status).toBe('ok');
    expect(JSON.stringify(nobody.checks)).not.toContain('hunter2');
    const noRedis = await doctor({ ...well(), RAE_REDIS_URL: 'redis://:hunter2@127.0.0.1:1' });
    expect(noRedis.failed).toEqual(['redis']);
    expect(JSON.stringify(noRedis.checks)).not.toContain('hunter2');
  });

  it('finds every mistake in the environment, and names that nothing reads', async () => {
    const wrong = await doctor({ ...well(), RAE_PARTITIONS: 'many' });
    expect(wrong).toMatchObject({ code: 1, failed: ['environment'] });
    const odd = await doctor({
      ...well(),
      RAE_SOMETHING_ELSE: 'x',
      RAE_SETTINGS: '{"decay":{"step_rows":1},"dcay":{}}',
    });
    expect(odd.of('environment')).toMatchObject([
      { status: 'warn', found: expect.stringContaining('RAE_SOMETHING_ELSE') },
    ]);
    expect(odd.of('RAE_SETTINGS')).toMatchObject([
      { status: 'fail', found: expect.stringContaining('step_rows is 1; expected a whole number from 10') },
      { status: 'fail', mend: 'is decay meant?' },
    ]);
  });

  it('finds a pooler whose logins have no statement timeout', async () => {
    const { RAE_DATABASE_URL: url } = well();
    const direct = { ...well(), RAE_DATABASE_DIRECT_URL: url, RAE_DATABASE_URL: `${url}?application_name=pooled` };
    const { of } = await doctor(direct);
    expect(of('statement timeout')).toMatchObject([
      { status: 'fail', mend: expect.stringMatching(/^give the role .* a statement_timeout of 20000 ms$/) },
    ]);
  });

  it('says how to get a fleet where there is none', async () => {
    const { code, of } = await doctor({});
    expect(code).toBe(1);
    expect(of('fleet')[0]).toMatchObject({ status: 'fail', mend: expect.stringContaining('rae up') });
  });
});
