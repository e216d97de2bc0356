import { constants, createReadStream, openSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { messageOf, RaeError } from '../kernel/errors.ts';

/** How much of a file's begin is looked at to see what it is. */
export const HEAD_BYTES = 64 * 1024;

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** A file that is read once, from its begin to its end. */
export interface SourceFile {
  /** How messages call it. */
  readonly name: string;
  /** Its bytes; undefined where that is not known, as of a pipe. */
  readonly size: number | undefined;
  /** Its first `HEAD_BYTES`, or all of it, with the mark at its begin. */
  readonly head: Buffer;
  /** How long the mark at its begin is: 3 with a byte order mark, else 0. */
  readonly mark: number;
  /** All of it, the head included. */
  readonly pieces: AsyncIterable<Buffer>;
}

/**
 * Opens what is to be imported.
 * @param file its path; `-` is `stdin`
 * @throws RaeError `RAE_USAGE` for what cannot be read or is no text, in one sentence with what to do.
 */
export async function openSource(file: string, stdin: Readable): Promise<SourceFile> {
  const name = file === '-' ? 'standard input' : file;
  const [stream, size] = file === '-' ? [stdin, undefined] : opened(file);
  const pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  for (let length = 0; length < HEAD_BYTES; ) {
    const piece = await pieces.next();
    if (piece.done === true) break;
    first.push(piece.value);
    length += piece.value.length;
  }
  const begin = Buffer.concat(first);
  const head = begin.subarray(0, HEAD_BYTES);
  refuseOther(name, head);
  const mark = head.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
  if (head.toString('utf8', mark).trim() === '' && head.length < HEAD_BYTES)
    throw new RaeError('RAE_USAGE', `${name} is empty`);
  return { name, size, head, mark, pieces: rest(begin, pieces) };
}

async function* rest(begin: Buffer, pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield begin;
    for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) yield piece.value;
  } finally {
    await pieces.return?.();
  }
}

function opened(file: string): readonly [stream: Readable, size: number | undefined] {
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new RaeError('RAE_USAGE', `${file} is a directory; name a file in it`);
    const fd = openSync(file, constants.O_RDONLY);
    return [createReadStream(file, { fd, highWaterMark: 512 * 1024 }), stat.isFile() ? stat.size : undefined];
  } catch (error) {
    if (error instanceof RaeError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      ENOTDIR: 'there is no such file',
      EACCES: 'it may not be read by this user',
      EPERM: 'it may not be read by this user',
    };
    throw new RaeError('RAE_USAGE', `${file} cannot be read: ${reasons[code] ?? messageOf(error)}`, { cause: error });
  }
}

/** Forms that are often given instead of text, by their first bytes. */
const OTHER_FORMS: readonly (readonly [bytes: readonly number[], what: string, unpack: string | undefined])[] = [
  [[0x1f, 0x8b], 'is compressed with gzip', 'gunzip -c'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is compressed with zstd', 'zstd -dc'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'is compressed with xz', 'xz -dc'],
  [[0x42, 0x5a, 0x68], 'is compressed with bzip2', 'bunzip2 -c'],
  [[0x50, 0x4b, 0x03, 0x04], 'is a zip archive (or a spreadsheet)', 'unzip -p'],
  [[0x50, 0x41, 0x52, 0x31], 'is a Parquet file; JSONL and CSV are read', undefined],
  [[0x50, 0x47, 0x44, 0x4d, 0x50], 'is an archive of pg_dump; JSONL and CSV are read', undefined],
  [[0xff, 0xfe], 'is UTF-16', 'iconv -f UTF-16 -t UTF-8'],
  [[0xfe, 0xff], 'is UTF-16', 'iconv -f UTF-16 -t UTF-8'],
];

function refuseOther(name: string, head: Buffer): void {
  const other = OTHER_FORMS.find(([bytes]) => head.subarray(0, bytes.length).equals(Buffer.from(bytes)));
  if (other === undefined) return;
  const [, what, unpack] = other;
  const hint =
    unpack === undefined ? undefined : `unpack it on the way: ${unpack} … | rae tenant import <tenant> --file -`;
  throw new RaeError('RAE_USAGE', `${name} ${what}`, { hint });
}
