import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aggregated } from '../support/cost-run.ts';
import { createDatabase, type TestDatabase, useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
useProcesses();
const folder = mkdtempSync(join(tmpdir(), 'rae-costs-'));
let second: TestDatabase;

beforeAll(async () => {
  second = await createDatabase();
});
afterAll(async () => {
  await second.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `rae` to its end as the superuser, who is a member of every role. */
async function rae(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const own = { RAE_DATABASE_URL: database().url('admin'), RAE_REDIS_URL: 'redis://127.0.0.1:1' };
  const started = startRae(args, { ...own, ...env });
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

function fileOf(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, ['model,valid_from,input_per_million,output_per_million', ...lines, ''].join('\n'));
  return path;
}

const OLD_AND_NEW = ['acme-1,,1,2', 'acme-1,2026-06-01,1.25,2.5', 'acme-1-mini,,0.000001,0'];

describe('rae price', () => {
  it('takes a file on every shard, tells which price a model has now, and gives the file back', async () => {
    const shards = { RAE_SHARD_EU_URL: second.url('admin') };
    const taken = await rae(['price', 'import', fileOf('a.csv', ...OLD_AND_NEW), '--replace', '--json'], shards);
    expect(taken).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(taken.out)).toMatchObject({ prices: 3, changed: 3 });
    for (const shard of [database(), second]) {
      expect(await shard.admin('select model from public.model_prices order by valid_from, model')).toEqual(
        ['acme-1', 'acme-1-mini', 'acme-1'].map((model) => ({ model })),
      );
    }
    const now = await rae(['price', 'list', '--model', 'acme-1-2026', '--json']);
    expect(JSON.parse(now.out).prices).toMatchObject([{ model: 'acme-1', input_per_million: '1.25' }]);
    expect(await rae(['price', 'list', '--model', 'nobody-knows'])).toMatchObject({ code: 3 });
    const { out } = await rae(['price', 'list', '--csv']);
    const path = join(folder, 'again.csv');
    writeFileSync(path, out);
    expect((await rae(['price', 'import', path, '--replace'], shards)).out).toBe(
      '3 prices: 0 new or changed, 0 removed\n',
    );
  });

  it('takes nothing of a file that is wrong, and says where', async () => {
    const before = await database().admin('select * from public.model_prices');
    const wrong = await rae(['price', 'import', fileOf('b.csv', 'acme-2,,1,2', 'acme-3,,-1,2', 'acme-4,soon,1,2')]);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toContain('line 3 has input_per_million "-1"; expected US dollars per million tokens');
    expect(wrong.err).toContain('line 4 has valid_from "soon"; expected a date');
    expect(await rae(['price', 'import', join(folder, 'none.csv')])).toMatchObject({ code: 2 });
    expect(await database().admin('select * from public.model_prices')).toEqual(before);
  });
});

describe('rae usage', () => {
  it('tells what calls cost by model, project or day, before they are added up and after', async () => {
    const tenant = await addTenant(database());
    await database().admin(
      `insert into public.cost_logs (tenant_id, project_id, model, provider, operation, input_tokens, total_cost_usd, "timestamp")
       values ($1, 'a', 'm', 'p', 'query', 10, 0.25, '2026-03-01T10:00:00Z'), ($1, 'b', 'm', 'p', 'query', 5, 0.000001, '2026-03-02T10:00:00Z'),
              ($1, 'b', 'unknown-to-all', 'p', 'query', 7, null, '2026-03-02T11:00:00Z')`,
      [tenant],
    );
    const of = ['usage', '--tenant', tenant, '--from', '2026-03-01', '--to', '2026-04-01'];
    for (const by of ['model', 'project', 'day']) {
      const before = await rae([...of, '--by', by, '--json']);
      expect(before).toMatchObject({ code: 0, err: '' });
      await aggregated(database(), tenant);
      const after = await rae([...of, '--by', by, '--json']);
      // The run that added it up was asked for, and counts as one of the minute's.
      const costs = ({ out }: { out: string }) => ({ ...JSON.parse(out), quotas: undefined });
      expect(costs(after)).toEqual(costs(before));
      expect(JSON.parse(after.out)).toMatchObject({ total: { cost_usd: '0.250001', calls: 3, unknown_calls: 1 } });
      expect(JSON.parse(after.out).parts).toHaveLength(2);
    }
    expect((await rae(of)).out).toContain('the cost of 1 call is unknown: see rae price list');
    expect(await rae([...of, '--by', 'modle'])).toMatchObject({ code: 2 });
    expect(await rae(['usage', '--tenant', tenant, '--from', '2026-03-01T10:00:00Z'])).toMatchObject({ code: 2 });
  });
});
