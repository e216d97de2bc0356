import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes `folder` and its missing parents. By hand: mkdir's own `recursive` never ends where a folder that is there
 * answers ENOENT, as /proc does.
 * @returns true when it was made, false when it was there.
 * @throws the system's error; ENOTDIR where something else has that name.
 */
export function makeFolder(folder: string, mode: number): boolean {
  try {
    mkdirSync(folder, { mode });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && makeFolder(dirname(folder), mode)) return makeFolder(folder, mode);
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return false;
    if (found !== undefined) throw new Error(`${folder} is a file, not a folder`, { cause: error });
    throw error;
  }
}
