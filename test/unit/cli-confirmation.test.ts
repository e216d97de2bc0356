import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/cli.ts';
import type { Command } from '../../src/cli/command.ts';
import { Catalogue } from '../../src/fleet/catalogue.ts';
import { systemClock } from '../../src/kernel/clock.ts';

/** Calls a command that destroys something, with somebody at the terminal who types `answer`; null = there is no terminal. */
async function called(answer: string | null, ...words: readonly string[]) {
  let done = 0;
  const burn: Command = {
    name: 'burn',
    does: 'Burns it.',
    destroys: () => 'It is gone.',
    run: async () => {
      done += 1;
      return { json: {}, text: () => 'burnt' };
    },
  };
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  if (answer === null) stdin.end();
  else {
    Object.assign(stdin, { isTTY: true });
    Object.assign(stderr, { isTTY: true, columns: 80, getColorDepth: () => 1, hasColors: () => false });
    stdin.end(answer);
  }
  const streams = { stdin, stdout, stderr } as unknown as Parameters<typeof runCli>[0];
  const ports = { clock: systemClock, loadCatalogue: async () => Catalogue.of([]), schemaOf: () => ({}) as never };
  const code = await runCli({ ...streams, args: ['burn', ...words] }, [burn], ports);
  return { code, done, said: String(stderr.read() ?? '') };
}

describe('a command that destroys something', () => {
  it.each(['y\n', 'YES\n', ' yes \n'])('goes on when a person at the terminal says %j', async (answer) => {
    const { code, done, said } = await called(answer);
    expect([code, done]).toEqual([0, 1]);
    expect(said).toContain('It is gone.');
  });

  it.each(['n\n', '\n', 'yep\n', ''])('does nothing when they say %j', async (answer) => {
    const { code, done, said } = await called(answer);
    expect([code, done]).toEqual([4, 0]);
    expect(said).toContain('--yes');
  });

  it('does not ask with --yes, nor where there is no terminal', async () => {
    for (const { code, done, said } of [await called('n\n', '--yes'), await called(null)]) {
      expect([code, done, said]).toEqual([0, 1, '']);
    }
  });
});
