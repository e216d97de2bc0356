import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { messageOf, RaeError } from '../kernel/errors.ts';

/** A file that is made whole or not at all: its name is there only once all of it is written. Nobody else may read it. */
export class NewFile {
  readonly #path: string;
  readonly #part: string;
  readonly #handle: FileHandle;
  #isKept = false;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#part = `${path}.part`;
    this.#handle = handle;
  }

  /** @throws RaeError `RAE_REFUSED` where there is a file of this name, `RAE_USAGE` where none can be made. */
  static async open(path: string): Promise<NewFile> {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere) throw new RaeError('RAE_REFUSED', `${path} is there already; it is not written over`);
    try {
      return new NewFile(path, await open(`${path}.part`, 'w', 0o600));
    } catch (error) {
      throw new RaeError('RAE_USAGE', `${path} cannot be made: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Adds bytes, and waits until they are written. */
  async write(bytes: Buffer): Promise<void> {
    try {
      await this.#handle.writeFile(bytes);
    } catch (error) {
      throw new RaeError('RAE_INTERNAL', `${this.#path} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Gives it its name: it is whole. */
  async keep(): Promise<void> {
    await this.#handle.sync();
    await rename(this.#part, this.#path);
    this.#isKept = true;
  }

  /** Closes it; what is not whole is removed. */
  async close(): Promise<void> {
    await this.#handle.close();
    if (!this.#isKept) await rm(this.#part, { force: true });
  }
}
