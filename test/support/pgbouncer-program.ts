import type { Identity } from '../../src/embedded/identity.ts';
import { type FoundProgram, findPackaged, type PackagedProgram } from './packaged-program.ts';

/** A PgBouncer that runs here. */
export interface PgbouncerProgram extends Pick<FoundProgram, 'file' | 'env'> {
  readonly version: { readonly major: number; readonly minor: number };
}

const PGBOUNCER: PackagedProgram = {
  name: 'pgbouncer',
  package: 'pgbouncer',
  path: 'usr/sbin/pgbouncer',
  version: /PgBouncer (\d+)\.(\d+)/,
  libraries: {
    'libcares.so.2': ['libc-ares2', 'libcares2'],
    'libevent-2.1.so.7': ['libevent-2.1-7', 'libevent-2.1-7t64'],
  },
};

/** A PgBouncer: the one on PATH, else the package of this Debian or Ubuntu, unpacked once into the cache. */
export async function findPgbouncer(as: Identity): Promise<PgbouncerProgram> {
  const { file, env, version } = await findPackaged(PGBOUNCER, as);
  const [, major, minor] = PGBOUNCER.version.exec(version) ?? [];
  return { file, env, version: { major: Number(major), minor: Number(minor) } };
}
