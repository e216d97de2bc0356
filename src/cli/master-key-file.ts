import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { faultOfKeyList } from '../kernel/key-list.ts';

/** Where a fleet that `rae up` runs keeps its master key: beside its database and not in it. */
export function masterKeyFile(dataDir: string): string {
  return join(dataDir, 'master-keys');
}

/** The master keys of a data directory; undefined where it has none. @throws RaeError `RAE_DATA_DIR_UNUSABLE` */
export function readMasterKeys(dataDir: string): string | undefined {
  const file = masterKeyFile(dataDir);
  let keys: string;
  try {
    keys = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RaeError('RAE_DATA_DIR_UNUSABLE', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const fault = faultOfKeyList(keys);
  if (fault === undefined) return keys;
  throw new RaeError('RAE_DATA_DIR_UNUSABLE', `${file} ${fault}`, {
    hint: 'put back the file as it was; without its key no secret of this fleet opens',
  });
}

/** Sees to it that a data directory has a master key; the first stays. Nobody but this user may read it. */
export function makeMasterKey(dataDir: string): string {
  const known = readMasterKeys(dataDir);
  if (known !== undefined) return known;
  const draft = `${masterKeyFile(dataDir)}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `up-${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  try {
    // Whole or not at all, and never over one that is there.
    linkSync(draft, masterKeyFile(dataDir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readMasterKeys(dataDir) ?? makeMasterKey(dataDir);
}
