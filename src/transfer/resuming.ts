import { createHash, type Hash } from 'node:crypto';
import type { FileForm } from './file-form.ts';
import type { Mark } from './import-book.ts';
import type { SourceFile } from './source-file.ts';

/** What a file is known by when its import goes on: how it begins and how it is read. */
export function fingerprintOf(source: SourceFile, form: FileForm, fromTenant: string | undefined): string {
  const read = [form.format, form.kind ?? null, form.delimiter, fromTenant ?? null];
  return createHash('sha256').update(JSON.stringify(read)).update('\n').update(source.head).digest('hex');
}

/** The rest of a file, and a hash of what of it was read. */
export interface Rest {
  readonly pieces: AsyncIterable<Buffer>;
  readonly hash: Hash;
  /** False where the file is not the one that the mark was left in. */
  readonly isSame: boolean;
}

/**
 * Goes to where an import was cut off. What is before that is read, since only so it is known to be the same; so a pipe
 * can go on as well as a file.
 */
export async function restFrom(
  source: SourceFile,
  mark: Pick<Mark, 'position' | 'hashed' | 'prefixHash'>,
): Promise<Rest> {
  const hash = createHash('sha256');
  const pieces = source.pieces[Symbol.asyncIterator]();
  const kept: Buffer[] = [];
  let at = 0;
  while (at < mark.hashed) {
    const next = await pieces.next();
    if (next.done === true) return { pieces: following(kept, pieces), hash, isSame: false };
    const piece = next.value;
    hash.update(piece.subarray(0, mark.hashed - at));
    const begin = Math.max(0, mark.position - at);
    if (begin < piece.length) kept.push(piece.subarray(begin));
    at += piece.length;
  }
  const isSame = mark.prefixHash === null || hash.copy().digest('hex') === mark.prefixHash;
  return { pieces: following(kept, pieces), hash, isSame };
}

async function* following(kept: readonly Buffer[], pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* kept;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  } finally {
    await pieces.return?.();
  }
}
