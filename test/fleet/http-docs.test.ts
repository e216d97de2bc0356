import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { startProgram, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses('all');
const folder = mkdtempSync(join(tmpdir(), 'rae-walk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;
const canWalk = ['bash', 'curl', 'jq'].every(isThere);
if (!canWalk) process.stderr.write('the walk of docs/http.md is not tried: bash, curl or jq is missing\n');

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
const [, walk = ''] = /```sh\n([\s\S]*?)```/.exec(page) ?? [];
const program = fileURLToPath(new URL('../../.build/src/main/rae.js', import.meta.url));

it.skipIf(!canWalk)(
  'the walk of docs/http.md leads through the whole life of a tenant as it stands there',
  async () => {
    const fleet = new TestFleet({ database: database(), redisUrl: redisUrl() });
    const [api, ...others] = [fleet.api(), fleet.scheduler(), fleet.worker()];
    await ready(api, ...others);
    const { port } = await api.event('port.opened', { purpose: 'the API' });
    const begin = 'API=http://127.0.0.1:8080\n';
    expect(walk).toContain(begin);
    // `npx rae` is that of this checkout, which need not be where the walk is.
    writeFileSync(join(folder, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${program}' "$@"\n`, {
      mode: 0o755,
    });
    const script = walk.replace(begin, `API=http://127.0.0.1:${port}\n`);
    const walking = startProgram('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { PATH: `${folder}:${process.env.PATH}`, RAE_DATABASE_URL: database().url('admin') },
    });
    const ended = await walking.ended(180_000);
    expect(ended, `${walking.out}\n${walking.err}`).toEqual({ code: 0, signal: null });
    expect(walking.out.match(/.*urn:rae:error.*/g)).toBeNull();
    const said = [
      /^etag: "0"/im,
      /"version":1\b/,
      /"run_id":"[0-9a-f-]{36}".*"code":/,
      /true$/m,
      /"total_cost_usd":"0.003450"/,
      /"part":"gpt-4o"/,
      /"allowed":true/,
      /"action":"policy\.[a-z]+"/,
    ];
    expect(said.filter((pattern) => !pattern.test(walking.out))).toEqual([]);
  },
  240_000,
);
