import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type FleetFile, readFleetFile } from '../../src/cli/fleet-file.ts';
import { eventually } from '../support/eventually.ts';
import { startProgram, startRae, useProcesses } from '../support/processes.ts';

useProcesses();

let dir: string | undefined;
afterEach(() => {
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
});

async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Every port the fleet listens on: its two services and each of its processes. */
function portsOf({ urls, redisUrl, metricsPorts }: FleetFile): readonly number[] {
  return [urls.owner, redisUrl].map((url) => Number(new URL(url).port)).concat(Object.values(metricsPorts));
}

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves nothing running when npm itself gets %s',
    { timeout: 120_000 },
    async (signal) => {
      dir = mkdtempSync(join(tmpdir(), 'rae-up-'));
      const data = join(dir, 'data');
      const npm = startProgram('npm', ['start', '--', '--tenants', '0', '--data', data], {
        env: { XDG_STATE_HOME: join(dir, 'state') },
      });
      await npm.line(/^running; Ctrl-C ends it$/, 60_000);
      const fleet = readFleetFile(data);
      const ports = fleet === undefined ? [] : portsOf(fleet);
      expect(ports.length).toBeGreaterThanOrEqual(5);
      expect(await Promise.all(ports.map(isListening))).toEqual(ports.map(() => true));
      npm.kill(signal);
      await eventually(async () => ((await Promise.all(ports.map(isListening))).includes(true) ? undefined : true), {
        what: 'the end of everything the fleet listened on',
        withinMs: 40_000,
      });
      await eventually(() => (readFleetFile(data) === undefined ? true : undefined), {
        what: 'the announcement to be taken back',
      });
    },
  );

  it('ends by itself when npm was killed before it had even started', async () => {
    dir = mkdtempSync(join(tmpdir(), 'rae-up-'));
    const npm = startProgram(process.execPath, ['-e', '']);
    await npm.ended();
    const up = startRae(['up', '--tenants', '0', '--data', join(dir, 'data')], {
      npm_lifecycle_event: 'start',
      NPM_PID: String(npm.pid),
      XDG_STATE_HOME: join(dir, 'state'),
    });
    await up.line(/^npm has ended: stopping/, 60_000);
    await up.ended(60_000);
    expect(readFleetFile(join(dir, 'data'))).toBeUndefined();
  });
});
