import { takeDataDir } from './data-dir.ts';
import { eraseData } from './disposal.ts';
import { endLeftovers } from './leftovers.ts';

/**
 * Removes what the servers of this data directory have kept, so that the next start begins with nothing.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE` while a live process has it.
 */
export async function eraseServices(dataDir: string, say: (line: string) => void): Promise<void> {
  const dir = takeDataDir(dataDir);
  try {
    await endLeftovers(dir, say);
    eraseData(dir);
  } finally {
    dir.release();
  }
}
