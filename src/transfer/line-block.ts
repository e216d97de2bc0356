/** Whole lines of a file. */
export interface LineBlock {
  /** Ends behind a line break, or with the file. Empty where a line was too long to be kept. */
  readonly bytes: Buffer;
  /** How many bytes a line had that was longer than `MOST_ROW_BYTES` and was read over. */
  readonly overlong?: number;
}

/** Told of every byte, in order, when the block it belongs to is given. */
export type Passing = (bytes: Buffer) => void;

/** The longest a row may be. It bounds what the import keeps in memory. */
export const MOST_ROW_BYTES = 16 * 1024 * 1024;

const LINE_BREAK = 10;

/**
 * Cuts a stream of bytes into blocks of whole lines.
 * @param least a block is this long, but for the last one and where the lines are longer
 */
export async function* lineBlocks(
  pieces: AsyncIterable<Buffer>,
  least: number,
  passing: Passing,
): AsyncGenerator<LineBlock> {
  let kept: Buffer[] = [];
  let size = 0;
  let overlong = 0;
  for await (const piece of pieces) {
    let rest = piece;
    if (overlong > 0) {
      const end = rest.indexOf(LINE_BREAK);
      const dropped = end === -1 ? rest : rest.subarray(0, end + 1);
      overlong += dropped.length;
      passing(dropped);
      if (end === -1) continue;
      yield { bytes: Buffer.alloc(0), overlong };
      overlong = 0;
      rest = rest.subarray(end + 1);
    }
    kept.push(rest);
    size += rest.length;
    if (size < least) continue;
    const all = Buffer.concat(kept, size);
    const end = all.lastIndexOf(LINE_BREAK) + 1;
    const left = all.subarray(end);
    if (end > 0) {
      passing(all.subarray(0, end));
      yield { bytes: all.subarray(0, end) };
    }
    kept = [left];
    size = left.length;
    if (size <= MOST_ROW_BYTES) continue;
    passing(left);
    [kept, overlong, size] = [[], size, 0];
  }
  if (overlong > 0) yield { bytes: Buffer.alloc(0), overlong };
  else if (size > 0) {
    const all = Buffer.concat(kept, size);
    passing(all);
    yield { bytes: all };
  }
}
