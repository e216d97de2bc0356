import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startRae, type TestProcess, useProcesses } from '../support/processes.ts';
import { addTenant } from '../support/tenants.ts';
import { rejectsIn } from '../support/transfer.ts';

useProcesses();
const database = useDatabase();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rae-cli-transfer-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (...args: readonly string[]): TestProcess =>
  startRae(['tenant', ...args], { RAE_DATABASE_URL: database().url('admin') });

async function rae(...args: readonly string[]) {
  const started = start(...args);
  const { code, signal } = await started.ended(120_000);
  return { code, signal, out: started.out, err: started.err };
}

const idOf = (index: number): string => {
  const hash = createHash('md5').update(String(index)).digest('hex');
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/** Writes a file of so many memories; every thousandth row is broken. */
async function largeFile(name: string, rows: number, format: 'jsonl' | 'csv'): Promise<string> {
  const path = join(folder, name);
  const out = createWriteStream(path);
  if (format === 'csv') out.write('id,content,layer,importance,metadata\n');
  for (let from = 0; from < rows; from += 1_000) {
    const lines = Array.from({ length: Math.min(1_000, rows - from) }, (_, offset) => {
      const index = from + offset;
      const importance = index % 1_000 === 999 ? 'broken' : '0.5';
      const text = `memory ${index} ${'of something that was said '.repeat(30)}`;
      if (format === 'csv') return `${idOf(index)},"${text}\n""second line""",em,${importance},"{""n"": ${index}}"\n`;
      return `${JSON.stringify({ id: idOf(index), content: text, layer: 'em', importance, metadata: { n: index } })}\n`;
    });
    if (!out.write(lines.join(''))) await new Promise<void>((resolve) => out.once('drain', () => resolve()));
  }
  out.end();
  await finished(out);
  return path;
}

async function one<T>(text: string, tenant: string): Promise<T | undefined> {
  return (await database().admin<{ value: T }>(text, [tenant]))[0]?.value;
}

const memories = (tenant: string) =>
  one<number>('select count(*)::int as value from public.memories where tenant_id = $1', tenant);

describe('an import that is killed in the middle', () => {
  it.each([['jsonl'], ['csv']] as const)(
    'goes on behind its last batch, and every row is there once: %s',
    async (format) => {
      const rows = 60_000;
      const tenant = await addTenant(database(), { plan: 'pro' });
      const file = await largeFile(`memories.${format}`, rows, format);
      const args = ['import', tenant, '--file', file, '--batches', '--json'];
      let kills = 0;
      for (let beyond = 0; kills < 3; kills += 1) {
        const running = start(...args);
        const read = await eventually(
          async () => {
            const value = await one<number>(
              'select rows_read::int as value from public.transfers where tenant_id = $1',
              tenant,
            );
            return (value ?? 0) > beyond ? value : undefined;
          },
          { what: 'a further batch', withinMs: 60_000, seen: () => running.err },
        );
        running.kill('SIGKILL');
        expect((await running.ended()).signal).toBe('SIGKILL');
        beyond = read;
      }
      expect(await memories(tenant)).toBeLessThan(rows * 0.9);
      const { code, out, err } = await rae(...args);
      expect({ code, err }).toMatchObject({ code: 1 });
      const report = JSON.parse(out) as Record<string, number>;
      const broken = rows / 1_000;
      // Nothing skipped: no row was given to the database a second time.
      expect(report).toMatchObject({ rows_read: rows, imported: rows - broken, skipped: 0, rejected: broken });
      expect(report.resumed_after_line).toBeGreaterThan(0);
      expect(await memories(tenant)).toBe(rows - broken);
      const rejects = rejectsIn(`${file}.rejects.jsonl`);
      const lines = (index: number) => (format === 'csv' ? 2 + 2 * index : 1 + index);
      expect(rejects).toEqual(
        Array.from({ length: broken }, (_, at) => ({
          line: lines(at * 1_000 + 999),
          kind: 'memories',
          column: 'importance',
          reason: 'is not a number',
        })),
      );
      const again = JSON.parse((await rae(...args)).out) as unknown;
      expect(again).toMatchObject({ rows_read: rows, imported: rows - broken, resumed_after_line: lines(rows) - 1 });
      expect(await memories(tenant)).toBe(rows - broken);
    },
  );

  it('of all or nothing leaves nothing', async () => {
    const tenant = await addTenant(database(), { plan: 'pro' });
    const file = await largeFile('all.jsonl', 20_000, 'jsonl');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"broken"', '0.5'));
    const running = start('import', tenant, '--file', file);
    const busy = () =>
      database().admin(
        "select from pg_stat_activity where datname = current_database() and application_name = 'rae cli' and xact_start is not null",
      );
    await eventually(async () => ((await busy()).length > 0 ? true : undefined), {
      what: 'its transaction',
      seen: () => running.err,
    });
    running.kill('SIGKILL');
    await running.ended();
    await eventually(async () => ((await busy()).length === 0 ? true : undefined), {
      what: 'the end of its transaction',
    });
    expect(await memories(tenant)).toBe(0);
    expect(JSON.parse((await rae('import', tenant, '--file', file, '--json')).out)).toMatchObject({ imported: 20_000 });
  });
});

describe('the memory of an import', () => {
  it('does not grow with the file', async () => {
    const peakOf = async (rows: number, ...args: readonly string[]): Promise<number> => {
      const tenant = await addTenant(database(), { plan: 'pro' });
      const file = await largeFile(`${rows}.jsonl`, rows, 'jsonl');
      const running = start('import', tenant, '--file', file, '--batches', ...args);
      let peak = 0;
      const look = () => {
        const status = existsSync(`/proc/${running.pid}/status`)
          ? readFileSync(`/proc/${running.pid}/status`, 'utf8')
          : '';
        peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
        return status === '' || /^State:\s+Z/m.test(status) ? true : undefined;
      };
      await eventually(look, { what: 'its end', withinMs: 120_000 });
      expect((await running.ended()).code).toBe(1);
      return peak;
    };
    const [small, large] = [await peakOf(20_000), await peakOf(160_000)];
    expect(small).toBeGreaterThan(30);
    // 140 MB more of a file, and not half of that in memory.
    expect(large - small).toBeLessThan(64);
    expect(large).toBeLessThan(320);
  });
});

describe('a tenant by command', () => {
  it('goes out into a file and in again, and each command says what it did', async () => {
    const [tenant, other] = [await addTenant(database()), await addTenant(database())];
    const source = join(folder, 'few.csv');
    writeFileSync(source, 'content,layer\n"one\nline",em\ntwo,ltm\n');
    const made = await rae('import', tenant, '--file', source);
    expect(made).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^2 rows: 2 imported \(/) });
    const file = join(folder, 'out.jsonl');
    expect(JSON.parse((await rae('export', tenant, '--file', file, '--json')).out)).toMatchObject({
      ...{ file, format: 'jsonl', rows: { memories: 2 } },
      bytes: readFileSync(file).length,
    });
    expect((await rae('export', tenant)).out).toBe(readFileSync(file, 'utf8'));
    expect(await rae('export', tenant, '--file', file)).toMatchObject({
      code: 4,
      err: expect.stringMatching(/is there already/),
    });
    const foreign = await rae('import', other, '--file', file, '--json');
    expect(foreign).toMatchObject({
      code: 1,
      err: expect.stringMatching(/out\.jsonl, line 1, column tenant_id: is that of another/),
    });
    expect(JSON.parse(foreign.out)).toMatchObject({ error: { code: 'RAE_ROW_INVALID' } });
    const taken = await rae('import', other, '--file', file, '--from-tenant', tenant, '--json');
    expect(JSON.parse(taken.out)).toMatchObject({
      mode: 'all_or_nothing',
      rows_read: 2,
      imported: 2,
      rate: expect.any(Number),
    });
  });

  it.each<[args: readonly string[], code: number, says: RegExp]>([
    [['import'], 2, /missing required argument/],
    [['import', '{tenant}'], 2, /--file <file> is missing/],
    [
      ['import', '{tenant}', '--file', 'package.json', '--kind', 'memoris'],
      2,
      /--kind is "memoris".*\ndid you mean memories\?/,
    ],
    [['import', '{tenant}', '--file', 'package.json', '--on-conflict', 'skp'], 2, /did you mean skip\?/],
    [['import', '{tenant}', '--file', 'package.json', '--restart'], 2, /--restart is for --batches/],
    [['import', '{tenant}', '--file', '-', '--batches'], 2, /--rejects is missing/],
    [['import', '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10', '--file', 'package.json'], 3, /there is no tenant/],
    [['import', '{deleted}', '--file', 'package.json'], 4, /is deleted; nothing is taken into it/],
    [['export', '{tenant}', '--format', 'csv'], 2, /give one --kind/],
    [['export', '{tenant}', '--json'], 2, /give --file/],
    [['export', '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10'], 3, /there is no tenant/],
  ])('is not misunderstood: %j', async (args, code, says) => {
    const tenant = await addTenant(database());
    const deleted = await addTenant(database(), { status: 'deleted' });
    const given = args.map((word) => word.replace('{tenant}', tenant).replace('{deleted}', deleted));
    expect(await rae(...given)).toMatchObject({ code, err: expect.stringMatching(says) });
  });
});
