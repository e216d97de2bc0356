import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { makeFolder } from './folder.ts';
import { isRoot } from './identity.ts';
import { isRunning, type ProcessStamp, stampOf } from './process-stamp.ts';
import { readStamps, writeStamps } from './stamp-file.ts';

/** A data directory that this process, and no other, uses until it lets go. */
export interface DataDir {
  /** Absolute, without symbolic links. */
  readonly path: string;
  file(name: string): string;
  /** Lets others in. Idempotent. */
  release(): void;
}

/** The error for a data directory that something stands against. */
export function unusable(dir: string, error: unknown): RaeError {
  return new RaeError('RAE_DATA_DIR_UNUSABLE', `the data directory ${dir} cannot be used: ${messageOf(error)}`, {
    hint: 'name a folder you may write to with --data DIR, or free space on its disk',
    cause: error,
  });
}

function create(dir: string): string {
  try {
    // Root's servers run as somebody else, who must be able to pass through; everything secret in it is 0600.
    const made = makeFolder(dir, isRoot() ? 0o711 : 0o700);
    // A umask of 077 takes the passage away again.
    if (made && isRoot()) chmodSync(dir, 0o711);
    return realpathSync(dir);
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** Says of a data directory that what is in it is ours. */
export const OURS = 'of-rae-fleet';

/** Nobody else's data is used, and by `--fresh` erased: /var/lib has a `redis` too. */
function refuseForeign(path: string): void {
  if (existsSync(join(path, OURS))) return;
  const foreign = ['postgres', 'redis'].find((name) => existsSync(join(path, name)));
  if (foreign === undefined) return;
  throw new RaeError('RAE_DATA_DIR_UNUSABLE', `${join(path, foreign)} was not made by rae, so ${path} is left alone`, {
    hint: 'name an empty or a new folder with --data DIR',
  });
}

/** Puts `file` in place with its whole content, or gives false when there already is one. */
function claim(file: string, own: ProcessStamp): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeStamps(draft, [own]);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes a dead owner's claim away. What was moved aside may already be a live owner's new one: it is put back. */
function clearStale(file: string): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, aside);
    const [moved] = readStamps(aside);
    if (moved !== undefined && isRunning(moved)) linkSync(aside, file);
  } catch {
    // Another start was quicker, and the next look at the claim says what came of it.
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Makes the data directory where it is missing and takes it for this process. A claim whose owner has died is void.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE`: it cannot be written, a live process has it (its pid is named), or it holds
 *   data that is not ours.
 */
export function takeDataDir(dir: string): DataDir {
  const path = create(resolve(dir));
  refuseForeign(path);
  const claimFile = join(path, 'owner.json');
  const own = stampOf(process.pid) ?? { pid: process.pid, started: 'unknown' };
  try {
    while (!claim(claimFile, own)) {
      const [owner] = readStamps(claimFile);
      if (owner !== undefined && isRunning(owner)) {
        throw new RaeError('RAE_DATA_DIR_UNUSABLE', `the data directory ${path} is in use by process ${owner.pid}`, {
          hint: 'stop that process, or name another folder with --data DIR',
        });
      }
      clearStale(claimFile);
    }
    writeFileSync(join(path, OURS), 'rae-fleet keeps data in this folder: docs/services.md\n');
  } catch (error) {
    throw error instanceof RaeError ? error : unusable(path, error);
  }
  let held = true;
  return {
    path,
    file: (name) => join(path, name),
    release: () => {
      const [owner] = readStamps(claimFile);
      if (held && owner?.pid === own.pid && owner.started === own.started) rmSync(claimFile, { force: true });
      held = false;
    },
  };
}
