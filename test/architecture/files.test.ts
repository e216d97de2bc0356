import { describe, expect, it } from 'vitest';
import { defaultExports, docstrings, enums } from './rules/exports.ts';
import { type Finding, shown, type TextFile } from './rules/finding.ts';
import { fileNames, topLevelRule } from './rules/names.ts';
import { fileSizes, functionSizes } from './rules/sizes.ts';
import { repository, topLevel } from './rules/tree.ts';

const files = repository();

/** How many findings a check has for one made-up file. */
const count = (check: (files: readonly TextFile[]) => Finding[], path: string, text = ''): number =>
  check([{ path, text }]).length;

const lines = (howMany: number): string => 'export const a = 1;\n'.repeat(howMany);

describe('the repository', () => {
  it('has at its top what the design names and dotfiles', () => {
    expect(shown(topLevelRule(topLevel()))).toEqual([]);
  });

  it('would not pass with something more or something less at its top', () => {
    const right = [
      ...['src', 'test', 'package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'LICENSE'],
      '.ci',
    ];
    expect(topLevelRule(right)).toEqual([]);
    expect(topLevelRule([...right, 'scripts'])).toHaveLength(1);
    expect(topLevelRule([...right, 'vitest.config.ts'])).toHaveLength(1);
    expect(topLevelRule(right.slice(1))).toHaveLength(1);
  });

  it('names its files in kebab-case, by the noun they hold', () => {
    expect(shown(fileNames(files))).toEqual([]);
  });

  it.each([
    'src/db/tenantContext.ts',
    'src/db/tenant_context.ts',
    'src/Db/tenant.ts',
    'src/db/utils.ts',
    'src/db/string-utils.ts',
    'src/helpers/a.ts',
    'src/common/a.ts',
    'src/fleet/types.ts',
    'src/fleet/interfaces.ts',
    'queues/queue-manager.ts',
    'test/support/misc.ts',
    'src/ledger/ledger-states.ts',
    'src/db/tenantContext.sql',
  ])('refuses the name %s', (path) => {
    expect(count(fileNames, path)).toBe(1);
  });

  it.each([
    'src/db/tenant-context.ts',
    'test/tooling/vitest.config.ts',
    'workers/decay/statements.sql',
    'src/kernel/ids.ts',
  ])('accepts the name %s', (path) => {
    expect(count(fileNames, path)).toBe(0);
  });
});

describe('a file', () => {
  it('is at most 250 lines, a test 400, a composition root 30', () => {
    expect(shown(fileSizes(files))).toEqual([]);
  });

  it.each([
    ['src/db/a.ts', 250],
    ['test/support/a.ts', 250],
    ['test/unit/a.test.ts', 400],
    ['src/main/a.ts', 30],
    ['src/main/launch.mjs', 30],
  ])('%s may have %i lines and not one more', (path, limit) => {
    expect(count(fileSizes, path, lines(limit))).toBe(0);
    expect(count(fileSizes, path, lines(limit + 1))).toBe(1);
  });

  it('has no function longer than 60 lines', () => {
    expect(shown(functionSizes(files))).toEqual([]);
  });

  it.each([
    ['a function', 'function a() {', '}'],
    ['a method', 'class A { a() {', '} }'],
    ['an arrow function', 'const a = () => {', '};'],
  ])('%s may have 60 lines and not one more', (_what, head, tail) => {
    const body = (howMany: number) => `${head}\n${'  // \n'.repeat(howMany - 2)}${tail}\n`;
    expect(count(functionSizes, 'src/db/a.ts', body(60))).toBe(0);
    expect(count(functionSizes, 'src/db/a.ts', body(61))).toBe(1);
  });

  it('has no default export unless it is a worker', () => {
    expect(shown(defaultExports(files))).toEqual([]);
    expect(count(defaultExports, 'workers/decay/worker.ts', 'export default {};')).toBe(0);
    expect(count(defaultExports, 'workers/decay/policy.ts', 'export default {};')).toBe(1);
    expect(count(defaultExports, 'src/db/a.ts', 'const a = 1; export { a as default };')).toBe(1);
  });

  it('declares no enum', () => {
    expect(shown(enums(files))).toEqual([]);
    expect(count(enums, 'src/db/a.ts', 'export const enum A { b }')).toBe(1);
    expect(count(enums, 'test/unit/a.test.ts', 'enum A { b }')).toBe(1);
  });
});

describe('what src and queues export', () => {
  it('has a docstring directly above it', () => {
    expect(shown(docstrings(files))).toEqual([]);
  });

  it.each([
    ['a function', 'export function a() {}'],
    ['a class', 'export class A {}'],
    ['an interface', 'export interface A {}'],
    ['a function in a constant', 'export const a = () => 1;'],
    ['a function exported further down', 'function a() {}\nexport { a };'],
    ['one with a plain comment', '/* why */\nexport function a() {}'],
    ['one whose docstring belongs to another', '/** B. */\nexport const b = 1;\nexport function a() {}'],
  ])('would not pass for %s without one', (_what, text) => {
    expect(count(docstrings, 'src/db/a.ts', text)).toBe(1);
  });

  it.each([
    ['a documented function', '/** Does. */\nexport function a() {}'],
    ['a suppression in between', '/** Does. */\n// biome-ignore lint/x: because\nexport function a() {}'],
    ['overloads', '/** Does. */\nexport function a(b: string): void;\nexport function a(b: unknown) {}'],
    ['a value that is no function', 'export const a = 1;\nexport type B = string;'],
    ['what another file declares', "export { a } from './b.ts';"],
  ])('passes for %s', (_what, text) => {
    expect(count(docstrings, 'src/db/a.ts', text)).toBe(0);
  });
});
