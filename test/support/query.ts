import { type Statement, statement } from '../../src/db/statement.ts';

/** A statement that only a test sends. */
export function query(text: string): Statement {
  return statement('test', text);
}
