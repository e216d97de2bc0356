import { RaeError } from '../kernel/errors.ts';
import { FORMATS } from '../transfer/file-form.ts';
import type { KindName } from '../transfer/kind.ts';
import { KINDS, kindNamed, nearestKind } from '../transfer/kinds.ts';
import { oneOf, option, type Reader } from './option.ts';

/** A kind of rows, by its name or the one of the original. */
export const kindOfRows: Reader<KindName> = (given) => {
  const kind = kindNamed(given);
  if (kind !== undefined) return kind.name;
  const near = nearestKind(given);
  throw new RaeError(
    'RAE_USAGE',
    `is ${JSON.stringify(given.slice(0, 60))}; expected one of ${[...KINDS.keys()].join(', ')}`,
    {
      hint: near === undefined ? undefined : `did you mean ${near}?`,
    },
  );
};

/** The path of a file, or `-` for the standard stream. */
export const fileOrStream: Reader<string> = (given) => {
  if (given !== '' && !given.includes('\0')) return given;
  throw new RaeError('RAE_USAGE', `is ${JSON.stringify(given)}; expected the path of a file, or -`);
};

/** What stands between the cells of CSV. */
export const delimiter: Reader<string> = (given) => {
  const one = given === 'tab' || given === '\\t' ? '\t' : given;
  if (/^[ -~\t]$/.test(one) && !/["\w]/.test(one)) return one;
  throw new RaeError(
    'RAE_USAGE',
    `is ${JSON.stringify(given.slice(0, 20))}; expected one character such as ; or |, or the word tab`,
  );
};

/** The form of a file. */
export const formatOption = option('--format <format>', `${FORMATS.join(' or ')}`, oneOf(FORMATS));
