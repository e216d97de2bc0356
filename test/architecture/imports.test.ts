import { describe, expect, it } from 'vitest';
import { TIME } from './exceptions.ts';
import { ambient } from './rules/ambient.ts';
import { importCycles } from './rules/cycles.ts';
import { except, type Finding, shown, type TextFile } from './rules/finding.ts';
import { computedImports, importOrder } from './rules/imports.ts';
import { soleImporters, workersAreAlone } from './rules/sole-importers.ts';
import { repository } from './rules/tree.ts';

const files = repository();

/** A file that stands only in this test. */
const made = (path: string, text: string): TextFile => ({ path, text });

/** How many findings a check has for one made-up file. */
const count = (check: (files: readonly TextFile[]) => Finding[], path: string, text: string): number =>
  check([made(path, text)]).length;

describe('the import order', () => {
  it('is kept by every file', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(shown(importOrder(files))).toEqual([]);
  });

  it.each([
    ['a static import upwards', 'src/kernel/a.ts', "import { b } from '../db/b.ts';"],
    ['a type import upwards', 'src/ledger/a.ts', "import type { B } from '../fleet/b.ts';"],
    ['a re-export upwards', 'src/kernel/a.ts', "export { b } from '../db/b.ts';"],
    ['a re-export of everything', 'src/kernel/a.ts', "export * from '../config/b.ts';"],
    ['a dynamic import upwards', 'src/db/a.ts', "const b = await import('../fleet/b.ts');"],
    ['a type in the middle of a line', 'src/db/a.ts', "type B = import('../fleet/b.ts').B;"],
    ['an import for its effects', 'src/db/a.ts', "import '../fleet/b.ts';"],
    ['a require', 'src/db/a.ts', "const b = require('../fleet/b.ts');"],
    ['an import sideways', 'src/db/a.ts', "import { b } from '../redis/b.ts';"],
    ['a worker that knows the schedule', 'workers/decay/a.ts', "import { b } from '../../src/schedule/b.ts';"],
    ['queues that know the ledger', 'queues/a.ts', "import { b } from '../src/ledger/b.ts';"],
    ['shipped code that knows a test', 'src/cli/a.ts', "import { b } from '../../test/support/b.ts';"],
    ['a folder the design does not have', 'src/extras/a.ts', ''],
    ['a file in no layer', 'src/a.ts', ''],
  ])('forbids %s', (_what, path, text) => {
    expect(count(importOrder, path, text)).toBe(1);
  });

  it.each([
    ['downwards', 'src/fleet/a.ts', "import { b } from '../ledger/b.ts';"],
    ['down to the queues', 'src/dispatch/a.ts', "import { b } from '../../queues/names.ts';"],
    ['of its own folder', 'src/fleet/a.ts', "import { b } from './deeper/b.ts';"],
    ['in a test', 'test/unit/a.test.ts', "import { b } from '../../src/main/b.ts';"],
    [
      'that is only spoken of',
      'src/kernel/a.ts',
      "// import { b } from '../db/b.ts';\nexport const a = \"from '../db/b.ts'\";",
    ],
  ])('allows an import %s', (_what, path, text) => {
    expect(count(importOrder, path, text)).toBe(0);
  });

  it('names the file, the line and the import that breaks it', () => {
    const broken = made('src/kernel/a.ts', "\nimport {\n  b,\n} from '../db/b.ts';\n");
    expect(shown(importOrder([broken]))).toEqual(['src/kernel/a.ts:2 import { is upwards: kernel is below db']);
  });

  it('can be followed: only the catalogue computes what it imports', () => {
    expect(shown(computedImports(files))).toEqual([]);
    const computed = "export const load = (name: string) => import('./' + name);";
    expect(count(computedImports, 'src/fleet/a.ts', computed)).toBe(1);
    expect(count(computedImports, 'workers/index.ts', computed)).toBe(0);
  });

  it('has no circles, type imports included', () => {
    expect(shown(importCycles(files))).toEqual([]);
    const circle = [
      made('src/db/a.ts', "import { b } from './b.ts';"),
      made('src/db/b.ts', "import { c } from './c.ts';"),
      made('src/db/c.ts', "\nimport type { A } from './a.ts';"),
    ];
    expect(shown(importCycles(circle))).toEqual([
      'src/db/c.ts:2 closes a circle: src/db/a.ts → src/db/b.ts → src/db/c.ts → src/db/a.ts',
    ]);
    expect(importCycles(circle.slice(1))).toEqual([]);
  });
});

describe('libraries and what is in the air', () => {
  it('pg, BullMQ, ioredis, metrics, log and containers have one importer each', () => {
    expect(shown(soleImporters(files))).toEqual([]);
  });

  it.each([
    ['pg', 'src/ledger/a.ts', "import pg from 'pg';"],
    ['a part of pg', 'src/cli/a.ts', "import type { Client } from 'pg/lib/client.js';"],
    ['BullMQ', 'src/dispatch/a.ts', "import { Queue } from 'bullmq';"],
    ['ioredis', 'src/dispatch/a.ts', "import { Redis } from 'ioredis';"],
    ['prom-client', 'src/http/a.ts', "import { Counter } from 'prom-client';"],
    ['pino', 'src/main/a.ts', "const { pino } = await import('pino');"],
    ['testcontainers', 'src/cli/a.ts', "import { GenericContainer } from 'testcontainers';"],
  ])('forbids %s elsewhere', (_what, path, text) => {
    expect(count(soleImporters, path, text)).toBe(1);
  });

  it('a library is not taken for another that begins alike', () => {
    expect(count(soleImporters, 'src/cli/a.ts', "import a from 'pg-format'; import b from 'pino-http';")).toBe(0);
    expect(
      count(soleImporters, 'queues/a.ts', "import { Queue } from 'bullmq'; import { Redis } from 'ioredis';"),
    ).toBe(0);
  });

  it('a worker imports the kernel, the contract, zod and itself, and nothing else', () => {
    expect(shown(workersAreAlone(files))).toEqual([]);
    const allowed = ['../../src/kernel/ids.ts', '../../src/fleet/worker.ts', './policy.ts', 'zod', 'node:crypto'];
    const forbidden = [
      '../../src/fleet/executor.ts',
      '../../src/db/database.ts',
      '../delivery/policy.ts',
      '../index.ts',
      'pg',
      'p-limit',
    ];
    const importing = (wanted: string) =>
      count(workersAreAlone, 'workers/decay/worker.ts', `import { x } from '${wanted}';`);
    expect(allowed.filter((wanted) => importing(wanted) > 0)).toEqual([]);
    expect(forbidden.filter((wanted) => importing(wanted) === 0)).toEqual([]);
  });

  it('the environment is read in src/config only', () => {
    const read = ambient('environment', files).filter(({ path }) => !/^src\/(config\/|main\/launch\.mjs$)/.test(path));
    expect(shown(read)).toEqual([]);
  });

  it('nothing writes to the console', () => {
    expect(shown(ambient('console', files))).toEqual([]);
  });

  it('the time comes from the clock that was handed in, outside the files named in exceptions.ts', () => {
    expect(shown(except(ambient('time', files), TIME))).toEqual([]);
  });

  it.each([
    ['environment', 'process.env.HOME'],
    ['environment', "globalThis.process['env']"],
    ['environment', 'const { env } = process'],
    ['environment', "import { env as e } from 'node:process'"],
    ['console', 'console.log(1)'],
    ['console', 'globalThis.console.error(1)'],
    ['time', 'new Date()'],
    ['time', 'Date.now()'],
    ['time', 'const now = Date.now'],
    ['time', 'setTimeout(stop, 5)'],
    ['time', 'globalThis.setInterval(stop, 5)'],
    ['time', "import { setTimeout as sleep } from 'node:timers/promises'"],
  ] as const)('finds the %s in %s', (what, text) => {
    expect(ambient(what, [made('src/fleet/a.ts', text)])).toHaveLength(1);
  });

  it.each([
    ['environment', 'options.env.HOME; own.process.env'],
    ['console', "// console.log\nexport const text = 'console.log(1)';"],
    ['time', 'new Date(0); clock.now(); timer.setTimeout(1); clearTimeout(t)'],
  ] as const)('does not take for the %s: %s', (what, text) => {
    expect(ambient(what, [made('src/fleet/a.ts', text)])).toEqual([]);
  });

  it('an exception that nothing needs any more must go', () => {
    const entry = { path: 'src/fleet/a.ts', because: 'it did once' };
    expect(except([], [entry])).toHaveLength(1);
    expect(except([{ path: 'src/fleet/a.ts', line: 1, says: '' }], [entry])).toEqual([]);
  });
});
