import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const reporter = fileURLToPath(new URL('counts.mjs', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rae-counts-'));
  // Vite writes into the nearest node_modules above a config, which may be somebody else's.
  mkdirSync(join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs vitest on one file of its own with this text, and gives the last line and the exit code. */
function run(text: string, config = '{}'): { readonly last: string | undefined; readonly status: number | null } {
  writeFileSync(join(folder, 'a.test.js'), text);
  writeFileSync(join(folder, 'vitest.config.mjs'), `export default ${config};`);
  const args = [vitest, 'run', '--globals', '--root', folder, '--reporter', 'default', '--reporter', reporter];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, CI: 'true' },
  });
  return { last: stdout.trimEnd().split('\n').at(-1), status };
}

it('the last line says how many tests passed, failed and were skipped', () => {
  const text =
    "it('a', () => {}); it('b', () => {}); it('c', () => { throw new Error('no') }); it.skip('d', () => {});";
  expect(run(text)).toEqual({ last: '2 passed, 1 failed, 1 skipped', status: 1 });
  expect(run("it('a', () => {});")).toEqual({ last: '1 passed, 0 failed', status: 0 });
});

it('a hook that throws is a failure, though its tests only count as skipped', () => {
  const text = "describe('a', () => { beforeAll(() => { throw new Error('no') }); it('b', () => {}); });";
  expect(run(text)).toEqual({ last: '0 passed, 1 failed, 1 skipped', status: 1 });
});

it('a file that does not load is a failure', () => {
  expect(run("import './not-there.js';")).toEqual({ last: '0 passed, 1 failed', status: 1 });
});

it('an error outside all tests is a failure', () => {
  const text =
    "it('a', async () => { setTimeout(() => { throw new Error('late') }); await new Promise((end) => setTimeout(end, 50)); });";
  expect(run(text)).toEqual({ last: '1 passed, 1 failed', status: 1 });
});

it('services that do not start are a failure', () => {
  writeFileSync(join(folder, 'setup.js'), "export default () => { throw new Error('no services') };");
  const config = "{ test: { globalSetup: ['./setup.js'] } }";
  expect(run("it('a', () => {});", config)).toEqual({ last: '0 passed, 1 failed', status: 1 });
});

it('a run that finds no test is a failure', () => {
  expect(run('', "{ test: { include: ['nothing'] } }")).toEqual({ last: '0 passed, 1 failed', status: 1 });
});

it('npm test with a config that is not there is a failure', () => {
  const main = fileURLToPath(new URL('test.mjs', import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [main, '--config', join(folder, 'none.mjs')], {
    encoding: 'utf8',
  });
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
  expect(status).toBe(1);
});
