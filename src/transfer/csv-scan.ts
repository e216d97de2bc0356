import { RowFault } from './row-fault.ts';

/** A row as the scan found it. */
export interface ScannedRow {
  /** The line on which it begins. */
  readonly line: number;
  /** The line on which it ends. */
  readonly until: number;
  readonly content: readonly (string | null)[] | RowFault;
}

const QUOTE = 34;
const LF = 10;
const CR = 13;

/** What became of a cell: it is read, the text ends within it, or it is wrong. */
type Cell = { readonly value: string | null } | 'unfinished' | RowFault;

/** Goes through CSV text row by row. */
export class CsvScan {
  readonly #text: string;
  readonly #delimiter: number;
  readonly #last: boolean;
  #at = 0;
  #lines: number;

  /** @param lines how many stand before the text @param last true where nothing follows it */
  constructor(text: string, delimiter: string, lines: number, last: boolean) {
    this.#text = text;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#lines = lines;
    this.#last = last;
  }

  /** What is not read yet: nothing, or the begin of a row whose end is not there. */
  get rest(): string {
    return this.#text.slice(this.#at);
  }

  /** How many lines stand before the rest. */
  get lines(): number {
    return this.#lines;
  }

  /** The next row; undefined where there is no whole one any more. Empty lines are read over. */
  next(): ScannedRow | undefined {
    const text = this.#text;
    while (this.#at < text.length && (text.charCodeAt(this.#at) === LF || this.#isCrLf(this.#at))) {
      this.#at += text.charCodeAt(this.#at) === LF ? 1 : 2;
      this.#lines += 1;
    }
    if (this.#at >= text.length) return undefined;
    const start = this.#at;
    const cells: (string | null)[] = [];
    for (;;) {
      const cell = this.#cell();
      if (cell === 'unfinished') {
        if (this.#last) return this.#givenUp(start, new RowFault(null, 'is cut off: a quote is not closed'));
        this.#at = start;
        return undefined;
      }
      if (cell instanceof RowFault)
        return this.#givenUp(start, new RowFault(null, `${cell.message}, in cell ${cells.length + 1}`));
      cells.push(cell.value);
      const code = text.charCodeAt(this.#at);
      if (code === this.#delimiter) {
        this.#at += 1;
        continue;
      }
      // A file may end without a line break, a block may not.
      if (this.#at >= text.length && !this.#last) {
        this.#at = start;
        return undefined;
      }
      this.#at += code === CR ? 2 : 1;
      return this.#ended(start, cells);
    }
  }

  #isCrLf(at: number): boolean {
    return this.#text.charCodeAt(at) === CR && this.#text.charCodeAt(at + 1) === LF;
  }

  #isEnd(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    return at >= this.#text.length || code === this.#delimiter || code === LF || this.#isCrLf(at);
  }

  #cell(): Cell {
    const text = this.#text;
    if (text.charCodeAt(this.#at) === QUOTE) return this.#quoted();
    let end = this.#at;
    let quote = false;
    while (!this.#isEnd(end)) {
      if (text.charCodeAt(end) === QUOTE) quote = true;
      end += 1;
    }
    if (quote) return new RowFault(null, 'has a quote within a cell that does not begin with one');
    const value = end === this.#at ? null : text.slice(this.#at, end);
    this.#at = end;
    return { value };
  }

  #quoted(): Cell {
    const text = this.#text;
    let value = '';
    for (let from = this.#at + 1; ; ) {
      const quote = text.indexOf('"', from);
      if (quote === -1) return 'unfinished';
      if (text.charCodeAt(quote + 1) === QUOTE) {
        value += text.slice(from, quote + 1);
        from = quote + 2;
        continue;
      }
      value += text.slice(from, quote);
      this.#at = quote + 1;
      return this.#isEnd(quote + 1) ? { value } : new RowFault(null, 'has text behind a closing quote');
    }
  }

  #ended(start: number, content: ScannedRow['content']): ScannedRow {
    const line = this.#lines + 1;
    const text = this.#text;
    for (let at = text.indexOf('\n', start); at !== -1 && at < this.#at; at = text.indexOf('\n', at + 1))
      this.#lines += 1;
    // The file's last line, without a break.
    if (this.#at >= text.length && text.charCodeAt(text.length - 1) !== LF) this.#lines += 1;
    return { line, until: this.#lines, content };
  }

  /** Gives up the row that began at `start`, and goes on with the next line: where it ends cannot be told. */
  #givenUp(start: number, fault: RowFault): ScannedRow {
    const end = this.#text.indexOf('\n', start);
    this.#at = end === -1 ? this.#text.length : end + 1;
    return this.#ended(start, fault);
  }
}
