import { fileURLToPath } from 'node:url';
import { type Ran, run } from '../../src/embedded/command.ts';
import { serverIdentity } from '../../src/embedded/identity.ts';
import { findPackaged, type PackagedProgram } from './packaged-program.ts';

const PROMTOOL: PackagedProgram = {
  name: 'promtool',
  package: 'prometheus',
  path: 'usr/bin/promtool',
  version: /promtool, version \d+\./,
  without: ['usr/bin/prometheus', 'usr/share', 'etc', 'lib', 'var'],
};

/** Runs Prometheus' own checker at the top of the checkout. */
export async function promtool(...args: readonly string[]): Promise<Ran> {
  const { file, env } = await findPackaged(PROMTOOL, serverIdentity(''));
  return await run({ file, args, env, cwd: fileURLToPath(new URL('../..', import.meta.url)) });
}
