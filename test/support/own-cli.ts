import { PassThrough } from 'node:stream';
import { vi } from 'vitest';
import { runCli } from '../../src/cli/cli.ts';
import { commandsOf } from '../../src/cli/commands.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { fleetSchema } from '../../src/main/schema.ts';
import { loadCatalogue } from '../../workers/index.ts';

const COMMANDS = commandsOf({ scheduler: async () => 0, workers: async () => 0, api: async () => 0 });
const PORTS = { clock: systemClock, loadCatalogue, schemaOf: fleetSchema };

/** Runs one call of `rae` in this process, with this environment besides: a process of its own would mostly start. */
export async function ownRae(env: Readonly<Record<string, string>>, args: readonly string[]) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const printed = (stream: PassThrough) => String(stream.read() ?? '');
    const streams = { stdout, stderr } as unknown as Record<'stdout' | 'stderr', NodeJS.WriteStream>;
    const code = await runCli({ args, stdin: process.stdin, ...streams }, COMMANDS, PORTS);
    return { code, out: printed(stdout), err: printed(stderr) };
  } finally {
    vi.unstubAllEnvs();
  }
}
