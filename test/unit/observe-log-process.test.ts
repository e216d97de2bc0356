import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const buildScript = fileURLToPath(new URL('../tooling/build.mjs', import.meta.url));
const compiled = (name: string) => fileURLToPath(new URL(`../../.build/src/observe/${name}.js`, import.meta.url));

/** A process that logs `count` warnings and then runs `end`. */
const program = (count: number, end: string, format = 'json') => `
  import { Events } from ${JSON.stringify(compiled('events'))};
  import { logEvents } from ${JSON.stringify(compiled('log'))};
  const events = new Events();
  logEvents(events, { process: 'test', level: 'info', format: '${format}' });
  for (let i = 0; i < ${count}; i += 1) events.emit('config.warned', { message: 'line ' + i });
  ${end}`;

const run = (code: string) => ['--input-type=module', '--eval', code];

describe('the log of a process', () => {
  beforeAll(() => {
    const built = spawnSync(process.execPath, [buildScript], { encoding: 'utf8' });
    expect(built.status, built.stderr).toBe(0);
  });

  it.each(['json', 'pretty'])(
    'is whole although the process ends at once, and leaves standard output alone (%s)',
    (format) => {
      const ends = ['process.exit(3);', "process.kill(process.pid, 'SIGKILL');"];
      for (const end of ends) {
        const { stdout, stderr } = spawnSync(process.execPath, run(program(2_000, end, format)), { encoding: 'utf8' });
        expect(stdout).toBe('');
        expect(stderr.trimEnd().split('\n')).toHaveLength(2_000);
        expect(stderr).toContain('line 1999');
      }
    },
  );

  const goOn = `events.on('observer.failed', () => process.exit(9));
  process.stdin.once('data', () => {
    for (let i = 0; i < 3; i += 1) events.emit('config.warned', { message: 'unheard' });
    setTimeout(() => process.exit(7), 50);
  });`;

  it.each(['json', 'pretty'])('may be closed by its reader without ending the process (%s)', async (format) => {
    const child = spawn(process.execPath, run(program(0, goOn, format)), { stdio: ['pipe', 'ignore', 'pipe'] });
    child.stderr.destroy();
    await once(child.stderr, 'close');
    child.stdin.end('go');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  it.runIf(existsSync('/dev/full')).each(['json', 'pretty'])(
    'may go to a full disk without ending the process (%s)',
    async (format) => {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, run(program(0, goOn, format)), { stdio: ['pipe', 'ignore', full] });
      closeSync(full);
      child.stdin?.end('go');
      expect(await once(child, 'exit')).toEqual([7, null]);
    },
  );
});
