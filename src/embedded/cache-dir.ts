import { join } from 'node:path';
import { RaeError } from '../kernel/errors.ts';
import { type Identity, isRoot } from './identity.ts';
import { isOwnFolder, mayEnter } from './reach.ts';
import type { Env } from './service.ts';

/** The folders to try, best first. */
function candidates(asked: string | undefined, env: Env): readonly string[] {
  const { XDG_CACHE_HOME: xdg, HOME: home } = env;
  const ofUser = xdg?.startsWith('/') ? xdg : home?.startsWith('/') ? join(home, '.cache') : undefined;
  return [
    asked,
    ofUser === undefined ? undefined : join(ofUser, 'rae-fleet'),
    isRoot() ? '/var/cache/rae-fleet' : undefined,
    `/var/tmp/rae-fleet-${process.getuid?.() ?? 'user'}`,
  ].filter((folder) => folder !== undefined);
}

/**
 * Where unpacked server programs are kept between starts: `asked`, else $XDG_CACHE_HOME or ~/.cache, else a folder of
 * the machine. The first that can be written and that `identity` can run programs from; root's home usually cannot.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE` when there is none.
 */
export async function cacheDir(asked: string | undefined, env: Env, identity: Identity): Promise<string> {
  const folders = candidates(asked, env);
  for (const folder of folders) {
    if (isOwnFolder(folder, 0o755) && (await mayEnter(identity, folder))) return folder;
  }
  throw new RaeError(
    'RAE_SERVICE_UNAVAILABLE',
    `no folder to keep server programs in: tried ${folders.join(', ')} (each must be writable, and open to ${identity.name})`,
  );
}
