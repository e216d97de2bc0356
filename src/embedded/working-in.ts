import { existsSync } from 'node:fs';
import { run } from './command.ts';
import type { Identity } from './identity.ts';

/**
 * The processes that work in `folder`, as every part of a Postgres server works in its data for as long as it lives;
 * undefined where this machine does not tell. Asked as the servers' user: root in a container may not look into the
 * processes of others.
 */
export async function processesIn(folder: string, identity: Identity): Promise<readonly number[] | undefined> {
  if (!existsSync('/proc/self/cwd')) return undefined;
  const env = { LC_ALL: 'C', PATH: '/usr/bin:/bin' };
  const { output } = await run({ file: '/bin/sh', args: ['-c', 'ls -ld /proc/[0-9]*/cwd'], as: identity, env });
  const lines = output.split('\n').map((line) => / \/proc\/(\d+)\/cwd -> (.*)$/.exec(line));
  return lines.flatMap((found) => (found?.[2] === folder ? [Number(found[1])] : []));
}
