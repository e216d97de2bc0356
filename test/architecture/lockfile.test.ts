import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { shown } from './rules/finding.ts';
import { lockFile } from './rules/lockfile.ts';

const lock = (packages: unknown): string => JSON.stringify({ packages });

it('npm ci finds every package in the lock file, on every platform', () => {
  const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
  expect(shown(lockFile(text))).toEqual([]);
});

it('would not pass with a package missing or from another registry', () => {
  const whole = {
    '': { dependencies: { a: '1.0.0' } },
    'node_modules/a': { version: '1.0.0', optionalDependencies: { 'a-linux': '1.0.0', b: '1.0.0' } },
    'node_modules/a-linux': { version: '1.0.0' },
    'node_modules/a/node_modules/b': { version: '1.0.0', dependencies: { a: '1.0.0' } },
  };
  expect(lockFile(lock(whole))).toEqual([]);
  expect(lockFile(lock({ ...whole, 'node_modules/a-linux': undefined }))).toHaveLength(1);
  expect(lockFile(lock({ ...whole, 'node_modules/a/node_modules/b': undefined }))).toHaveLength(1);
  const elsewhere = { version: '1.0.0', resolved: 'https://packages.example/a-linux.tgz' };
  expect(lockFile(lock({ ...whole, 'node_modules/a-linux': elsewhere }))).toHaveLength(1);
});
