import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { promtool } from '../support/promtool.ts';

const folder = fileURLToPath(new URL('../../deploy/prometheus', import.meta.url));
const alerts = readFileSync(join(folder, 'alerts.yml'), 'utf8');
const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
let changed: string;

beforeAll(() => {
  changed = mkdtempSync(join(tmpdir(), 'rae-alerts-'));
  copyFileSync(join(folder, 'alerts.test.yml'), join(changed, 'alerts.test.yml'));
});
afterAll(() => rmSync(changed, { recursive: true, force: true }));

/** What promtool says of the tests of the rules when these are the rules. */
async function judged(rules: string) {
  writeFileSync(join(changed, 'alerts.yml'), rules);
  return await promtool('test', 'rules', join(changed, 'alerts.test.yml'));
}

describe('the alert rules', () => {
  it('are rules that Prometheus accepts', async () => {
    expect(await promtool('check', 'rules', join(folder, 'alerts.yml'))).toMatchObject({
      ok: true,
      output: expect.stringContaining(`SUCCESS: ${names.length} rules found`),
    });
    expect(await promtool('check', 'config', '--syntax-only', join(folder, 'prometheus.yml'))).toMatchObject({
      ok: true,
    });
  });

  it('wake an operator for what their tests say, and for nothing else', async () => {
    expect(await promtool('test', 'rules', join(folder, 'alerts.test.yml'))).toMatchObject({ ok: true });
  });

  it.each(names)('are tested so that one that never wakes anybody is noticed: %s', async (name) => {
    const silent = alerts.replace(new RegExp(`(- alert: ${name}\\n +expr: .*) > 0`), '$1 > 1e9');
    expect(silent).not.toBe(alerts);
    const { ok, output } = await judged(silent);
    expect(ok, output).toBe(false);
    expect(output).toContain(name);
  });

  it.each(names)('are tested so that one that wakes somebody too early is noticed: %s', async (name) => {
    const hasty = alerts.replace(new RegExp(`(- alert: ${name}\\n.*\\n +for): \\d+m`), '$1: 0m');
    expect(hasty).not.toBe(alerts);
    const { ok, output } = await judged(hasty);
    expect(ok, output).toBe(false);
    expect(output).toContain(name);
  });
});
