import { describe, expect, it } from 'vitest';
import { startProgram, startRae, useProcesses } from '../support/processes.ts';

useProcesses();

const MAIN = '.build/src/main/rae.js';

/** Runs `rae` to its end in an environment that names no fleet. */
async function rae(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const state = { XDG_STATE_HOME: '/nonexistent' };
  const started = startRae(args, { ...state, ...env });
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

describe('a command that is wrong', () => {
  it.each([
    [['tenat'], "unknown command 'tenat'", 'did you mean tenant?'],
    [['tenant', 'list', '--status', 'activ'], '--status is "activ"; expected', 'did you mean active?'],
    [['worker', 'decay', 'dcay'], 'there is no worker "dcay"', 'did you mean decay?'],
  ])('is refused with the nearest right spelling and exit 2: %j', async (args, says, hint) => {
    const { code, out, err } = await rae(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`error: ${says}`);
    expect(err).toContain(hint);
    expect(err).not.toContain('    at ');
  });

  it('is refused where operator settings are misspelt or wrong, all at once', async () => {
    const { code, err } = await rae(['worker', 'decay'], { RAE_SETTINGS: '{"deacy":{},"decay":{"step_row":5}}' });
    expect(code).toBe(2);
    expect(err).toContain('there is no worker "deacy"; did you mean decay?');
    expect(err).toContain('decay: step_row is not one of the fields; did you mean step_rows?');
  });

  it('is refused in one JSON document where JSON was asked for', async () => {
    const { code, out } = await rae(['tenant', 'lst', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({
      error: { code: 'RAE_USAGE', message: "unknown command 'lst'", hint: 'did you mean list?' },
    });
  });
});

describe('help', () => {
  it('and the version need no fleet and no right environment', async () => {
    const wrong = { RAE_PARTITIONS: 'many' };
    expect(await rae(['--version'], wrong)).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect((await rae(['tenant', '--help'], wrong)).code).toBe(0);
  });
});

describe('a command without a fleet', () => {
  it('says so, with both ways out', async () => {
    const { code, out, err } = await rae(['tenant', 'list']);
    expect(code).toBe(3);
    expect(out).toBe('');
    expect(err).toBe(
      'error: no database was named, and rae up was never run here\nstart one with: rae up [--data DIR], or set RAE_DATABASE_URL and RAE_REDIS_URL\n',
    );
  });

  it('says what is wrong with the environment first, every mistake of it', async () => {
    const { code, err } = await rae(['tenant', 'list'], { RAE_PARTITIONS: 'many', RAE_REDIS_ULR: 'redis://x' });
    expect(code).toBe(2);
    expect(err).toContain('RAE_PARTITIONS is "many"');
    expect(err).toContain('did you mean RAE_REDIS_URL?');
  });

  it('names the address, but not the password, of a database that cannot be reached', async () => {
    const { code, err } = await rae(['tenant', 'list'], { RAE_DATABASE_URL: 'postgres://rae:hunter2@127.0.0.1:1/rae' });
    expect(code).toBe(1);
    expect(err).toContain('postgres://rae:***@127.0.0.1:1/rae');
    expect(err).not.toContain('hunter2');
    expect(err).not.toContain('    at ');
  });

  it('is told at once of all that a service lacks', async () => {
    const { code, err } = await rae(['worker', 'decay']);
    expect(code).toBe(3);
    expect(err).toContain('error: RAE_DATABASE_URL and RAE_REDIS_URL are not set\n');
  });

  it('still knows the workers', async () => {
    const { code, out } = await rae(['worker', 'list', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      workers: [
        { name: 'budget-alerting', cron: null, catch_up: 'coalesce' },
        { name: 'cost-aggregation', cron: null, catch_up: 'coalesce' },
        { name: 'decay', cron: '0 2 * * *', catch_up: 'coalesce' },
        { name: 'delivery', cron: null, catch_up: 'coalesce' },
        { name: 'retention-purge', cron: '0 1 * * *', catch_up: 'coalesce' },
        { name: 'trigger-evaluation', cron: null, catch_up: 'coalesce' },
      ],
    });
  });
});

describe('what a command prints', () => {
  const shell = async (line: string) => {
    const started = startProgram('bash', ['-c', line]);
    await started.ended();
    return { out: started.out, err: started.err };
  };

  it('may be read in part: a reader that goes away is no failure', async () => {
    const { out, err } = await shell(
      `"${process.execPath}" ${MAIN} worker list --json | true; echo "\${PIPESTATUS[0]}"`,
    );
    expect(out).toBe('0\n');
    expect(err).toBe('');
  });

  it('that cannot be written is a failure: a full disk does not look like success', async () => {
    const { out, err } = await shell(`"${process.execPath}" ${MAIN} worker list > /dev/full; echo "$?"`);
    expect(out).toBe('1\n');
    expect(err).toMatch(/^error: standard output cannot be written: .*ENOSPC/);
  });

  it('has no colour where it is no terminal', async () => {
    const { out, err } = await rae(['tenant', 'list'], { FORCE_COLOR: '1' });
    expect(out + err).not.toContain('\u001b');
  });
});
