import { readFileSync } from 'node:fs';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { clean } from './cell.ts';

/** The JSON in `file`; `-` is standard input. @throws RaeError `RAE_USAGE` */
export function jsonIn(file: string): unknown {
  const name = file === '-' ? 'standard input' : file;
  let content: string;
  try {
    content = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new RaeError('RAE_USAGE', `${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    // Some editors begin a file with a byte order mark.
    return JSON.parse(content.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new RaeError('RAE_USAGE', `${name} is not JSON: ${clean(messageOf(error))}`, { cause: error });
  }
}
