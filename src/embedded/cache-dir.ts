import { join } from 'node:path';
import { RaeError } from '../kernel/errors.ts';
import { type Identity, isRoot } from './identity.ts';
import { sweepDrafts } from './publish.ts';
import { isOwnFolder, isWritable, mayEnter } from './reach.ts';
import type { Env } from './service.ts';

/** The folders to try, best first: those of this user, then those of the machine. */
function candidates(
  asked: string | undefined,
  env: Env,
): { readonly user: readonly string[]; readonly all: readonly string[] } {
  const { XDG_CACHE_HOME: xdg, HOME: home } = env;
  const ofUser = xdg?.startsWith('/') ? xdg : home?.startsWith('/') ? join(home, '.cache') : undefined;
  const user = [asked, ofUser === undefined ? undefined : join(ofUser, 'rae-fleet')].filter(
    (folder) => folder !== undefined,
  );
  const ofMachine = [
    ...(isRoot() ? ['/var/cache/rae-fleet'] : []),
    `/var/tmp/rae-fleet-${process.getuid?.() ?? 'user'}`,
  ];
  return { user, all: [...user, ...ofMachine] };
}

/**
 * Where unpacked server programs are kept between starts: `asked`, else $XDG_CACHE_HOME or ~/.cache, else a folder of
 * the machine. The first that can be written and that `identity` can run programs from; root's home usually cannot.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE` when there is none.
 */
export async function cacheDir(asked: string | undefined, env: Env, identity: Identity): Promise<string> {
  const { user, all: folders } = candidates(asked, env);
  for (const folder of folders) {
    const isUsable = user.includes(folder) ? isWritable(folder, 0o755) : isOwnFolder(folder, 0o755);
    if (!isUsable || !(await mayEnter(identity, folder))) continue;
    sweepDrafts(folder);
    return folder;
  }
  throw new RaeError(
    'RAE_SERVICE_UNAVAILABLE',
    `no folder to keep server programs in: tried ${folders.join(', ')} (each must be writable, and open to ${identity.name})`,
  );
}
