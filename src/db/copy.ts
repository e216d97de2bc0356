import { once } from 'node:events';
import type pg from 'pg';
import { from, to } from 'pg-copy-streams';
import type { Statement } from './statement.ts';

/**
 * Sends `data` to a `COPY … FROM STDIN` and waits until the server has taken it all.
 * @throws the server's error when it refuses a row; the transaction is lost then, the connection is not.
 */
export async function copyIn(client: pg.ClientBase, statement: Statement, data: Buffer): Promise<void> {
  const stream = client.query(from(statement.text));
  const taken = once(stream, 'finish');
  stream.end(data);
  await taken;
}

/**
 * Hands what a `COPY … TO STDOUT` gives to `take`, piece by piece; the server waits while `take` does.
 * @returns how many rows it were
 * @throws CopyAbandoned what `take` threw: the rest is still under way then, and the connection can only be closed.
 */
export async function copyOut(
  client: pg.ClientBase,
  statement: Statement,
  take: (piece: Buffer) => Promise<void>,
): Promise<number> {
  const stream = client.query(to(statement.text));
  for await (const piece of stream) {
    try {
      await take(piece as Buffer);
    } catch (error) {
      throw new CopyAbandoned(error);
    }
  }
  // The count comes behind the last row: once the next answer is there, so is the count.
  await client.query('');
  return stream.rowCount;
}

/** A COPY whose reader gave up before its end. */
export class CopyAbandoned extends Error {
  override readonly name = 'CopyAbandoned';

  constructor(cause: unknown) {
    super('the copy was abandoned', { cause });
  }
}
