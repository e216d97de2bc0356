import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { messageOf, RaeError } from '../kernel/errors.ts';
import type { Reject } from './row-fault.ts';

/**
 * The file that says which rows were not taken: a JSON object a line, `{line, kind, column, reason}`, in the order of the
 * file. Nothing of the rows themselves is in it. It is made when the first row is refused.
 */
export class RejectFile {
  readonly #path: string;
  #fd: number | undefined;
  #bytes: number;

  /** @param bytes how long it was when the last batch was committed: what was written after that is written again */
  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
    this.#try(() => {
      if (bytes === 0) rmSync(path, { force: true });
      else this.#fd = this.#open();
    });
  }

  /** How long it is. */
  get bytes(): number {
    return this.#bytes;
  }

  append(rejects: readonly Reject[]): void {
    if (rejects.length === 0) return;
    const text = Buffer.from(rejects.map((one) => `${JSON.stringify(one)}\n`).join(''));
    this.#try(() => {
      this.#fd ??= this.#open();
      writeSync(this.#fd, text, 0, text.length, this.#bytes);
    });
    this.#bytes += text.length;
  }

  /** Takes back what was written since it was so long. */
  cut(bytes: number): void {
    if (bytes === this.#bytes) return;
    if (this.#fd !== undefined) ftruncateSync(this.#fd, bytes);
    this.#bytes = bytes;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    const fd = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
    // A file that somebody shortened or removed meanwhile does not begin with a hole.
    this.#bytes = Math.min(this.#bytes, fstatSync(fd).size);
    ftruncateSync(fd, this.#bytes);
    return fd;
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw new RaeError('RAE_USAGE', `the reject file ${this.#path} cannot be written: ${messageOf(error)}`, {
        hint: 'name another with --rejects',
        cause: error,
      });
    }
  }
}
