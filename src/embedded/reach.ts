import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import type { Identity } from './identity.ts';

/** True when `identity` may pass through every folder above `folder`, and through it. */
export async function mayEnter(identity: Identity, folder: string): Promise<boolean> {
  if (identity.ids === undefined) return true;
  return (await run({ file: '/bin/sh', args: ['-c', 'cd -- "$1"', 'sh', folder], as: identity, env: {} })).ok;
}

/**
 * Makes `folder`, its parents too, and gives true when this process may write there and nobody else could have put
 * something in its place: in a folder open to all, such as /var/tmp, a stranger may have been here first.
 */
export function isOwnFolder(folder: string, mode: number): boolean {
  try {
    const made = mkdirSync(folder, { recursive: true, mode });
    // A umask may have narrowed it.
    if (made !== undefined) chmodSync(folder, mode);
    const found = lstatSync(folder);
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) return false;
    const probe = join(folder, `.probe-${randomBytes(6).toString('hex')}`);
    writeFileSync(probe, '');
    rmSync(probe);
    return true;
  } catch {
    return false;
  }
}
