import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RaeError } from '../kernel/errors.ts';
import { run } from './command.ts';
import type { DataDir } from './data-dir.ts';
import { type Identity, serverIdentity } from './identity.ts';
import { discard } from './publish.ts';
import { isOwnFolder, mayEnter } from './reach.ts';

/** Where the servers' own files are: in the data directory, or elsewhere where its owner cannot get there. */
export interface Place {
  readonly folder: string;
  readonly identity: Identity;
}

const POINTER = 'place';
/** Folders of the machine for data whose own directory is closed to the servers' user; root only. */
const BASES = ['/var/lib/rae-fleet', '/var/tmp/rae-fleet-data'];

function pointedTo(dir: DataDir): string | undefined {
  try {
    return readFileSync(dir.file(POINTER), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The folder with the servers' files as earlier starts left it. */
export function knownPlace(dir: DataDir): string {
  return pointedTo(dir) ?? dir.path;
}

/** Root in a container without that right cannot become anybody else, and then nothing here can work. */
async function refuseStuckRoot(identity: Identity): Promise<void> {
  if (identity.ids === undefined) return;
  const ran = await run({ file: '/bin/sh', args: ['-c', ':'], as: identity, env: {} });
  if (ran.ok) return;
  const because = `Postgres refuses to run as root, and this process may not become ${identity.name}: ${ran.output}`;
  throw new RaeError('RAE_SERVICE_UNAVAILABLE', because, {
    hint: 'run as an ordinary user, or set RAE_DATABASE_URL and RAE_REDIS_URL',
  });
}

/**
 * Where the servers of this data directory keep their files, and whom they run as. Root's servers run as somebody
 * else; a data directory in a 0700 home is out of their reach, and then the files are put under /var/lib/rae-fleet and
 * the data directory says where.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE` when there is no folder within reach, or the recorded one has gone.
 */
export async function choosePlace(dir: DataDir): Promise<Place> {
  const known = knownPlace(dir);
  const identity = serverIdentity(join(known, 'postgres'));
  await refuseStuckRoot(identity);
  if (known !== dir.path) {
    if (existsSync(known) && (await mayEnter(identity, known))) return { folder: known, identity };
    throw new RaeError(
      'RAE_DATA_DIR_UNUSABLE',
      `the data of ${dir.path} was kept in ${known}, which cannot be used now`,
      {
        hint: `bring ${known} back, or give the data up by removing ${dir.path}`,
      },
    );
  }
  if (await mayEnter(identity, dir.path)) return { folder: dir.path, identity };
  const name = createHash('sha256')
    .update(`${dir.path}\0${statSync(dir.path).ino}`)
    .digest('hex')
    .slice(0, 16);
  for (const base of BASES) {
    const folder = join(base, name);
    if (!isOwnFolder(base, 0o755) || !(await mayEnter(identity, base))) continue;
    // Of a data directory that was removed: nobody points to it any more.
    discard(folder);
    if (!isOwnFolder(folder, 0o755)) continue;
    writeFileSync(dir.file(POINTER), `${folder}\n`, { mode: 0o600 });
    return { folder, identity };
  }
  throw new RaeError(
    'RAE_DATA_DIR_UNUSABLE',
    `the user ${identity.name} cannot enter ${dir.path}, nor ${BASES.join(' or ')}`,
    {
      hint: `Postgres refuses to run as root: name a folder that ${identity.name} can enter with --data DIR`,
    },
  );
}

/** Forgets, and removes, a place outside the data directory. */
export function dropPlace(dir: DataDir): void {
  const known = knownPlace(dir);
  if (known !== dir.path) discard(known);
  rmSync(dir.file(POINTER), { force: true });
}
