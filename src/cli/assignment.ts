import { RaeError } from '../kernel/errors.ts';
import type { Reader } from './option.ts';

/** `field=value`. The value is read as JSON where it is JSON, else it is text: `rate=0.02`, `cron=0 3 * * *`. */
export const assignment: Reader<readonly [path: string, value: unknown]> = (given) => {
  const at = given.indexOf('=');
  if (at < 1) throw new RaeError('RAE_USAGE', `is ${JSON.stringify(given.slice(0, 60))}; expected field=value`);
  return [given.slice(0, at), jsonOrText(given.slice(at + 1))];
};

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
