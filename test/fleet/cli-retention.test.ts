import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { performing } from '../support/performing.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { retentionRun } from '../support/retention-run.ts';
import { addTenant } from '../support/tenants.ts';

useProcesses();
const database = useDatabase();

/** Runs `rae` to its end as the superuser, who is a member of every role. */
async function rae(...args: readonly string[]) {
  const started = startRae(args, { RAE_DATABASE_URL: database().url('admin'), RAE_REDIS_URL: 'redis://127.0.0.1:1' });
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await rae(...args, '--json');
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out) as Record<string, unknown>;
}

const SLOT = '2026-06-15T01:00:00Z';

/** A tenant with three episodic memories of a hundred days; the first two are of the project atlas. */
async function threeMemories(): Promise<{ readonly tenantId: string; readonly memories: readonly string[] }> {
  const tenantId = await addTenant(database());
  const rows = await database().admin<{ id: string }>(
    `insert into public.memories (tenant_id, content, layer, project, created_at)
     select $1, 'secret text', 'episodic', case when n < 3 then 'atlas' end, $2::timestamptz - interval '100 days' from generate_series(1, 3) n
     returning id`,
    [tenantId, SLOT],
  );
  return { tenantId, memories: rows.map(({ id }) => id) };
}

const dryRun = (tenantId: string) =>
  json('cycle', 'run', 'retention-purge', '--dry-run', '--tenant', tenantId, '--at', SLOT);

describe('a dry run', () => {
  it('says what would go, by class, and changes nothing', async () => {
    const { tenantId } = await threeMemories();
    expect(await dryRun(tenantId)).toMatchObject({
      dry_run: true,
      total: { episodic: { goes: 3 } },
      tenants: [{ tenant_id: tenantId, classes: [{ class: 'episodic', rows: 3, effect: 'goes' }] }],
    });
    const { out } = await rae('cycle', 'run', 'retention-purge', '--dry-run', '--at', SLOT);
    expect(out).toContain('nothing is changed');
    expect(out).not.toContain('secret');
    const [row] = await database().admin<{ memories: number; runs: number }>(
      `select (select count(*)::int from public.memories where tenant_id = $1) as memories,
              (select count(*)::int from public.runs where tenant_id = $1) as runs`,
      [tenantId],
    );
    expect(row).toEqual({ memories: 3, runs: 0 });
  });

  it('of a worker that cannot say it, of an unknown tenant, or of a slot to come is refused', async () => {
    expect(await rae('cycle', 'run', 'decay', '--dry-run')).toMatchObject({
      code: 4,
      err: 'error: decay cannot say what it would do\n--dry-run is for: retention-purge\n',
    });
    const nobody = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
    expect(await rae('cycle', 'run', 'retention-purge', '--dry-run', '--tenant', nobody)).toMatchObject({ code: 3 });
    expect(await rae('cycle', 'run', 'retention-purge', '--dry-run', '--at', '2199-01-01')).toMatchObject({ code: 4 });
  });
});

describe('legal holds by command', () => {
  it('keep what they name until they are released', async () => {
    const { tenantId, memories } = await threeMemories();
    const why = ['--reason', 'case 12', '--owner', 'legal@acme.example'];
    const project = await json('tenant', 'hold', tenantId, '--project', 'atlas', ...why);
    expect(project).toMatchObject({ project: 'atlas', memory_id: null, released_at: null, reason: 'case 12' });
    expect(await dryRun(tenantId)).toMatchObject({ total: { episodic: { goes: 1 } } });
    await json('tenant', 'hold', tenantId, '--memory', String(memories[2]), ...why);
    expect(await dryRun(tenantId)).toMatchObject({ total: {} });
    expect(await json('tenant', 'holds', tenantId)).toMatchObject({
      holds: [{ memory_id: memories[2] }, { hold_id: project.hold_id }],
    });
    const release = ['tenant', 'release', tenantId, String(project.hold_id)];
    expect(await json(...release)).toMatchObject({ changed: true });
    expect(await json(...release)).toMatchObject({ changed: false });
    expect(await dryRun(tenantId)).toMatchObject({ total: { episodic: { goes: 2 } } });
    expect((await rae('tenant', 'holds', tenantId)).out).not.toContain('atlas');
    expect((await rae('tenant', 'holds', tenantId, '--all')).out).toContain('the project atlas');
  });

  it('that name what is not there, or too much, are refused', async () => {
    const { tenantId } = await threeMemories();
    const nobody = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
    const why = ['--reason', 'case 12', '--owner', 'legal'];
    expect(await rae('tenant', 'hold', nobody, ...why)).toMatchObject({ code: 3 });
    expect(await rae('tenant', 'hold', tenantId, '--memory', nobody, ...why)).toMatchObject({ code: 3 });
    expect(await rae('tenant', 'hold', tenantId, '--memory', 'x', ...why)).toMatchObject({ code: 2 });
    const both = ['--memory', nobody, '--project', 'atlas'];
    expect(await rae('tenant', 'hold', tenantId, ...both, ...why)).toMatchObject({ code: 2 });
    expect(await rae('tenant', 'hold', tenantId, '--reason', ' ', '--owner', 'legal')).toMatchObject({ code: 2 });
    expect(await rae('tenant', 'release', tenantId, nobody)).toMatchObject({ code: 3 });
  });
});

describe('a policy of retention by command', () => {
  it.each(['0', '-1', '1.5', '"forever"'])('is told of never where a class is to be kept for %s days', async (days) => {
    const { tenantId } = await threeMemories();
    const set = ['policy', 'set', 'retention-purge', '--tenant', tenantId, '--set', `episodic_memories_days=${days}`];
    const { code, err } = await rae(...set);
    expect(code).toBe(2);
    expect(err).toContain('episodic_memories_days is');
    expect(err).toContain('expected a whole number from 1 to 36500 or never');
  });

  it('takes the seed as it stands', async () => {
    const { tenantId } = await threeMemories();
    const seed = {
      episodic_memories_days: 101,
      semantic_memories_days: 365,
      reflective_memories_days: 'never',
      cost_logs_days: 2_555,
    };
    const fields = Object.entries(seed).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    await json('policy', 'set', 'retention-purge', '--tenant', tenantId, ...fields);
    expect(await dryRun(tenantId)).toMatchObject({ total: {} });
  });
});

describe('certificates by command', () => {
  it('are listed and checked, and one that was changed is told', async () => {
    const { tenantId } = await threeMemories();
    const retention = await performing('retention-purge', database().tenants());
    await retentionRun(database(), retention, { tenantId, slot: new Date(SLOT) });
    expect(await json('tenant', 'certificates', tenantId)).toMatchObject({
      certificates: [{ class: 'episodic', slot: '2026-06-15T01:00:00.000Z', deleted: 3, intact: true }],
    });
    await database().admin('update public.deletion_certificates set deleted = 2 where tenant_id = $1', [tenantId]);
    const { code, out } = await rae('tenant', 'certificates', tenantId, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ certificates: [{ deleted: 2, intact: false }] });
  });
});
