import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/cli.ts';
import type { Command } from '../../src/cli/command.ts';
import { commandsOf } from '../../src/cli/commands.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { fleetSchema } from '../../src/main/schema.ts';
import { loadCatalogue } from '../../workers/index.ts';

const COMMANDS = commandsOf({ scheduler: async () => 0, workers: async () => 0, api: async () => 0 });
const PORTS = { clock: systemClock, loadCatalogue, schemaOf: fleetSchema };

/** Runs one call in this process; what it prints goes to a pipe. */
async function rae(...args: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = (stream: PassThrough) => String(stream.read() ?? '');
  const streams = { stdout, stderr } as unknown as Record<'stdout' | 'stderr', NodeJS.WriteStream>;
  const code = await runCli({ args, stdin: process.stdin, ...streams }, COMMANDS, PORTS);
  return { code, out: printed(stdout), err: printed(stderr) };
}

/** The words of every command there is. */
function paths(commands: readonly Command[], before: readonly string[] = []): readonly (readonly string[])[] {
  return commands.flatMap(({ name, commands: inner = [] }) => [[...before, name], ...paths(inner, [...before, name])]);
}

const ID = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const OTHER_SPELLING = `{${ID.replaceAll('-', '').toUpperCase()}}`;
const NOBODY = '00000000-0000-0000-0000-000000000000';

describe('a command that is wrong', () => {
  it.each([
    ['an unknown command', ['tenat'], "unknown command 'tenat'", 'did you mean tenant?'],
    ['an unknown command of a group', ['tenant', 'sow'], "unknown command 'sow'", 'did you mean show?'],
    ['help on what there is not', ['help', 'tenant', 'lst'], "unknown command 'lst'", 'did you mean list?'],
    ['an unknown option', ['tenant', 'list', '--stats'], "unknown option '--stats'", 'did you mean --status?'],
    [
      'an option without its value',
      ['tenant', 'list', '--plan'],
      "option '--plan <plan>' argument missing",
      'see: rae tenant list --help',
    ],
    ['a wrong value', ['tenant', 'list', '--status', 'activ'], '--status is "activ"; expected', 'did you mean active?'],
    ['a number that is none', ['tenant', 'list', '--limit', 'ten'], '--limit is "ten"; expected a whole number', ''],
    ['a missing option', ['tenant', 'create'], '--name <name> is missing', 'see: rae tenant create --help'],
    [
      'a misspelt option before the missing one',
      ['tenant', 'create', '--nmae', 'Acme'],
      "unknown option '--nmae'",
      'did you mean --name?',
    ],
    ['a missing argument', ['tenant', 'show'], "missing required argument 'tenant'", 'see: rae tenant show --help'],
    ['too many arguments', ['migrate', 'now'], "too many arguments for 'migrate'", 'see: rae migrate --help'],
    ['the tenant that is nobody', ['tenant', 'show', NOBODY], 'stands for no tenant', 'rae tenant list'],
    ['an id in another spelling', ['tenant', 'show', OTHER_SPELLING], 'is not a tenant id', `did you mean ${ID}?`],
    [
      'a date before there were any',
      ['cycle', 'run', 'decay', '--at', '0001-01-01'],
      '--at is "0001-01-01"; expected',
      '',
    ],
    ['a tenant that is no id', ['tenant', 'show', 'acme'], '"acme" is not a tenant id', 'rae tenant list'],
    [
      'metadata that is no object',
      ['tenant', 'create', '--name', 'x', '--metadata', '[1]'],
      'expected a JSON object',
      '',
    ],
    ['an unknown worker', ['worker', 'decay', 'dcay'], 'there is no worker "dcay"', 'did you mean decay?'],
  ])('is refused with the nearest right spelling: %s', async (_what, args, says, hint) => {
    const { code, out, err } = await rae(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(`error: `);
    expect(err).toContain(says);
    expect(err).toContain(hint);
    expect(err).not.toContain('    at ');
  });

  it('is refused in one JSON document where JSON was asked for, wherever that stands', async () => {
    for (const args of [
      ['tenant', 'lst', '--json'],
      ['--json', 'tenant', 'show', 'acme'],
      ['tenant', '--json', 'list', '--limit', '0'],
    ]) {
      const { code, out } = await rae(...args);
      expect(code).toBe(2);
      expect(JSON.parse(out)).toMatchObject({
        error: { code: expect.stringMatching(/^RAE_/), message: expect.any(String) },
      });
    }
  });

  it('shows what there is when only a group was named', async () => {
    const { code, out, err } = await rae('tenant');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('set-plan');
  });
});

describe('help', () => {
  it.each(paths(COMMANDS).map((path) => [path.join(' ')]))('says in a sentence what rae %s does', async (line) => {
    const path = line.split(' ');
    const asked = await rae(...path, '--help');
    expect(asked).toMatchObject({ code: 0, err: '' });
    expect(asked.out).toMatch(/^Usage: rae .*\n\n[A-Z][\s\S]*?\.\n/);
    expect(asked.out).toContain('--json');
    expect((await rae('help', ...path)).out).toBe(asked.out);
  });

  it('has an example wherever there is something to type', () => {
    const leaves = (commands: readonly Command[]): readonly Command[] =>
      commands.flatMap((command) => [command, ...leaves(command.commands ?? [])]);
    const without = leaves(COMMANDS).filter(({ run, examples = [] }) => run !== undefined && examples.length === 0);
    expect(without.map(({ name, does }) => `${name}: ${does}`)).toEqual([]);
  });
});
