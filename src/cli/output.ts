import { RaeError } from '../kernel/errors.ts';
import { plain, type Style, styleOf } from './style.ts';
import type { Look } from './table.ts';

/** Back to the begin of the line, and the line away. */
const CLEAR = '\r\x1b[2K';

/** Where a command's words go: data to standard output, everything said about it to standard error. */
export class Output {
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #passing = false;
  #broken: NodeJS.ErrnoException | undefined;

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    // Without listeners the end of whoever reads (`rae … | head`) would end this process with a stack trace.
    stdout.on('error', (error) => {
      this.#broken ??= error;
    });
    stderr.on('error', () => undefined);
  }

  /** The look of tables on standard output. */
  get look(): Look {
    return { style: styleOf(this.#stdout), width: this.#stdout.isTTY === true ? this.#stdout.columns : undefined };
  }

  /** Style for standard error. */
  get sayingStyle(): Style {
    return this.isQuiet ? plain : styleOf(this.#stderr);
  }

  /** True when nobody reads standard error as a person. */
  get isQuiet(): boolean {
    return this.#stderr.isTTY !== true;
  }

  /** True on a terminal, where what was written can be written over. */
  get isTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** True once whoever read standard output has gone. */
  get isUnread(): boolean {
    return this.#broken?.code === 'EPIPE';
  }

  /** Writes data; ends with a line break where `text` has none. Nothing for an empty text. */
  data(text: string): void {
    if (text !== '' && this.#broken === undefined) this.#stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Writes exactly `text` to standard output. */
  raw(text: string): void {
    if (this.#broken === undefined) this.#stdout.write(text);
  }

  /** Writes a piece of data, and waits until it is taken; nothing once its reader has gone. */
  async piece(bytes: Buffer): Promise<void> {
    if (this.#broken === undefined) await new Promise<void>((resolve) => this.#stdout.write(bytes, () => resolve()));
  }

  /** Says a line to whoever watches. */
  say(line: string): void {
    this.#stderr.write(`${this.#passing ? CLEAR : ''}${line}\n`);
    this.#passing = false;
  }

  /** Says how far something is: on a terminal the next line takes its place, elsewhere it is a line like any other. */
  sayPassing(line: string): void {
    if (this.isQuiet) {
      this.say(line);
      return;
    }
    this.#stderr.write(`${CLEAR}${line.slice(0, this.#stderr.columns - 1)}`);
    this.#passing = true;
  }

  /**
   * Waits until everything is written.
   * @throws RaeError when standard output cannot take it, as on a full disk; a reader that has gone is no failure.
   */
  async flush(): Promise<void> {
    if (this.#broken === undefined) await new Promise<void>((resolve) => this.#stdout.write('', () => resolve()));
    await new Promise<void>((resolve) => this.#stderr.write('', () => resolve()));
    if (this.#broken === undefined || this.isUnread) return;
    throw new RaeError('RAE_INTERNAL', `standard output cannot be written: ${this.#broken.message}`);
  }
}
