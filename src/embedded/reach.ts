import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { makeFolder } from './folder.ts';
import type { Identity } from './identity.ts';

/** True when `identity` may pass through every folder above `folder`, and through it. */
export async function mayEnter(identity: Identity, folder: string): Promise<boolean> {
  if (identity.ids === undefined) return true;
  return (await run({ file: '/bin/sh', args: ['-c', 'cd -- "$1"', 'sh', folder], as: identity, env: {} })).ok;
}

/** Makes `folder`, its parents too, and gives true when this process may write there. */
export function isWritable(folder: string, mode: number): boolean {
  try {
    // A umask may have narrowed it.
    if (makeFolder(folder, mode)) chmodSync(folder, mode);
    const probe = join(folder, `.probe-${randomBytes(6).toString('hex')}`);
    writeFileSync(probe, '');
    rmSync(probe);
    return true;
  } catch {
    return false;
  }
}

/**
 * The same for a folder that lies where everybody may write, such as /var/tmp: true only when it is ours, and nobody
 * else can have put something into it, or it in place of ours.
 */
export function isOwnFolder(folder: string, mode: number): boolean {
  if (!isWritable(folder, mode)) return false;
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
