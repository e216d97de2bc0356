import type { Hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { CsvReader } from './csv-reader.ts';
import type { FileForm } from './file-form.ts';
import type { RowBatch, RowReader } from './file-row.ts';
import { JsonReader } from './json-reader.ts';
import { lineBlocks } from './line-block.ts';

/** How many bytes of a file are dealt with at once: what is in memory is a few times that, however long the file is. */
const BLOCK_BYTES = 1024 * 1024;

/** Rows of a file and how far they reach. */
export interface StreamedRows extends RowBatch {
  /** How many bytes were read in all, and their hash. */
  readonly hashed: number;
  readonly hash: () => string;
  readonly isLast: boolean;
}

/** Where in a file to begin. */
export interface Begin {
  readonly position: number;
  readonly lines: number;
}

/** The rows of a file in batches, the last of them possibly empty. @param pieces the file from `begin` on */
export async function* rowStream(
  form: FileForm,
  pieces: AsyncIterable<Buffer>,
  begin: Begin,
  hash: Hash,
  hashed: number,
): AsyncGenerator<StreamedRows> {
  const reader = readerOf(form, begin);
  // What was kept from before is hashed already.
  let known = hashed - begin.position;
  let total = hashed;
  const passing = (bytes: Buffer) => {
    const fresh = bytes.subarray(Math.min(known, bytes.length));
    known -= bytes.length - fresh.length;
    hash.update(fresh);
    total += fresh.length;
  };
  const state = (batch: RowBatch, isLast: boolean): StreamedRows => {
    return { ...batch, hashed: total, hash: () => hash.copy().digest('hex'), isLast };
  };
  for await (const { bytes, overlong } of lineBlocks(pieces, BLOCK_BYTES, passing)) {
    yield state(overlong === undefined ? reader.read(bytes, false) : reader.skip(overlong), false);
    // The database's answers are looked at between two blocks.
    await turn();
  }
  yield state(reader.read(Buffer.alloc(0), true), true);
}

function readerOf({ format, delimiter, header }: FileForm, { position, lines }: Begin): RowReader {
  return format === 'jsonl'
    ? new JsonReader(position, lines)
    : new CsvReader(delimiter, header.length, position, lines);
}
