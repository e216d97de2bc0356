import { isUtf8 } from 'node:buffer';
import type { FileRow, JsonRow, RowBatch, RowReader } from './file-row.ts';
import { MOST_ROW_BYTES } from './line-block.ts';
import { RowFault } from './row-fault.ts';

/** Reads JSONL: one JSON object a line; empty lines are read over. */
export class JsonReader implements RowReader {
  #position: number;
  #lines: number;

  /** @param position where in the file the first block begins @param lines how many lines stand before it */
  constructor(position: number, lines: number) {
    this.#position = position;
    this.#lines = lines;
  }

  read(bytes: Buffer): RowBatch {
    const rows: FileRow[] = [];
    const valid = isUtf8(bytes);
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(10, start);
      const end = found === -1 ? bytes.length : found;
      this.#lines += 1;
      const line = bytes.subarray(start, end);
      if (valid || isUtf8(line)) this.#add(rows, line.toString('utf8'));
      else rows.push({ line: this.#lines, content: new RowFault(null, 'is not valid UTF-8') });
      start = end + 1;
    }
    this.#position += bytes.length;
    return { rows, position: this.#position, lines: this.#lines };
  }

  skip(bytes: number): RowBatch {
    this.#position += bytes;
    this.#lines += 1;
    return { rows: [{ line: this.#lines, content: tooLong() }], position: this.#position, lines: this.#lines };
  }

  #add(rows: FileRow[], text: string): void {
    const source = text.trim();
    if (source !== '') rows.push({ line: this.#lines, content: contentOf(source) });
  }
}

/** A row that is longer than can be kept. */
export function tooLong(): RowFault {
  return new RowFault(null, `is longer than ${MOST_ROW_BYTES / 1024 / 1024} MiB`);
}

function contentOf(source: string): JsonRow | RowFault {
  let object: unknown;
  try {
    object = JSON.parse(source);
  } catch (error) {
    return new RowFault(null, notJson(source, error));
  }
  if (typeof object === 'object' && object !== null && !Array.isArray(object))
    return { object: object as JsonRow['object'], source };
  return new RowFault(
    null,
    `is ${Array.isArray(object) ? 'a JSON array' : 'JSON, but no object'}; expected one object a line`,
  );
}

/** Where it breaks off or goes wrong. The parser's own words quote the row. */
function notJson(source: string, error: unknown): string {
  const place = /at position (\d+)/.exec(String(error))?.[1];
  const cut = /end of JSON|Unterminated/.test(String(error)) || !source.endsWith('}');
  if (cut) return 'is cut off: it is no whole JSON object';
  return place === undefined ? 'is not JSON' : `is not JSON from character ${Number(place) + 1} on`;
}
