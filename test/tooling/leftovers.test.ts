import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const command = fileURLToPath(new URL('leftovers.mjs', import.meta.url));
const mark = `leftovers-test-${process.pid}`;
let folder = '';
let daemon: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rae-leftovers-'));
});

afterEach(() => {
  daemon?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A process that left its group, as a server does; `stubborn` ones do not end when asked to. */
async function leave(options: { cwd?: string; env?: NodeJS.ProcessEnv; stubborn?: boolean }): Promise<ChildProcess> {
  const code = `${options.stubborn ? "process.on('SIGTERM', () => {});" : ''} setInterval(() => {}, 1000); console.log('up')`;
  daemon = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'], detached: true, ...options });
  if (daemon.stdout !== null) await once(daemon.stdout, 'data');
  return daemon;
}

function leftovers(...args: string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [command, '--grace-seconds', '0.2', ...args], { encoding: 'utf8' });
}

async function isGone(child: ChildProcess): Promise<boolean> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return true;
}

it('a process that carries the mark is named, killed and a failure', async () => {
  const child = await leave({ env: { ...process.env, CI_RUN_MARK: mark } });
  const found = leftovers('--mark', mark);
  expect(found.status).toBe(1);
  expect(found.stderr).toContain(`left behind: ${child.pid}`);
  expect(await isGone(child)).toBe(true);
  expect(leftovers('--mark', mark)).toMatchObject({ status: 0, stderr: '' });
});

it('a process without the mark is found by the folder it works in', async () => {
  const child = await leave({ cwd: folder });
  expect(leftovers('--mark', mark)).toMatchObject({ status: 0 });
  expect(leftovers('--mark', mark, '--folder', folder)).toMatchObject({ status: 1 });
  expect(await isGone(child)).toBe(true);
});

it('a process is found by its group, and killed when it does not end by itself', async () => {
  const child = await leave({ stubborn: true });
  expect(leftovers('--group', String(child.pid))).toMatchObject({ status: 1 });
  expect(await isGone(child)).toBe(true);
  expect(child.signalCode).toBe('SIGKILL');
});

it('what others run is left alone', async () => {
  const child = await leave({ env: { ...process.env, CI_RUN_MARK: `${mark}-of-another` } });
  expect(leftovers('--mark', mark, '--folder', `${folder}-other`, '--group', '1999999999')).toMatchObject({
    status: 0,
  });
  expect(child.exitCode).toBe(null);
});
