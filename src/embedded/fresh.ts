import { takeDataDir } from './data-dir.ts';
import { eraseData } from './disposal.ts';
import { endLeftovers } from './leftovers.ts';

/**
 * Removes all that earlier starts kept for this data directory, wherever it lies, so that the next one begins with
 * nothing. Servers that a killed fleet left running are ended first.
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
