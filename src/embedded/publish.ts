import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../kernel/clock.ts';
import { HOUR } from '../kernel/duration.ts';

/** A name beside `target` for what is still being made. */
export function draftOf(target: string): string {
  return `${target}.making-${randomBytes(6).toString('hex')}`;
}

/** Removes a folder with all in it, also read-only folders a package brought along. Never throws. */
export function discard(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // What cannot be removed is only litter: nothing looks under this name again.
  }
}

/**
 * Puts the finished folder `draft` in the place of `target` in one move, so that nobody ever sees half of it. Where
 * another process was quicker, its folder stays if `isGood` says so, and the draft is thrown away.
 */
export async function publish(draft: string, target: string, isGood: () => Promise<boolean>): Promise<void> {
  try {
    renameSync(draft, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (!(await isGood())) {
      const broken = draftOf(target);
      renameSync(target, broken);
      renameSync(draft, target);
      discard(broken);
    }
    discard(draft);
  }
}

/** Removes what starts that were killed half-way left in `folder`; what may still be in the making, for an hour, stays. */
export function sweepDrafts(folder: string): void {
  const before = systemClock.now().getTime() - HOUR;
  for (const name of readdirSync(folder).filter((entry) => /\.making-[0-9a-f]{12}$/.test(entry))) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    if (found !== undefined && found.mtimeMs < before) discard(join(folder, name));
  }
}
