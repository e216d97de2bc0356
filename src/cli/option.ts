import { Argument, InvalidArgumentError, Option } from 'commander';
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/duration.ts';
import { RaeError } from '../kernel/errors.ts';
import { parseTenantId } from '../kernel/ids.ts';
import { nearest } from '../kernel/nearest.ts';
import { clean } from './cell.ts';

/** Reads the text of an option or argument. @throws RaeError `RAE_USAGE` */
export type Reader<T> = (text: string) => T;

/** An option that is read by `read`; `flags` as in `--limit <n>`. */
export function option<T>(flags: string, does: string, read: Reader<T>): Option {
  const made = new Option(flags, does);
  return made.argParser((text) => named(`--${made.name()}`, () => read(text)));
}

/** An option that may be given several times; its value is a list. */
export function repeated<T>(flags: string, does: string, read: Reader<T>): Option {
  const made = new Option(flags, does);
  return made.argParser((text, before: readonly T[] | undefined) => [
    ...(before ?? []),
    named(`--${made.name()}`, () => read(text)),
  ]);
}

/** An argument that is read by `read`; `name` as in `<tenant>`. The value of a variadic one (`[names...]`) is a list. */
export function argument<T>(name: string, does: string, read: Reader<T>): Argument {
  const made = new Argument(name, does);
  return made.argParser<T | readonly T[] | undefined>((given, before) => {
    const value = named(made.name(), () => read(given));
    return made.variadic ? [...(Array.isArray(before) ? before : []), value] : value;
  });
}

/** Any text. */
export const text: Reader<string> = (given) => given;

/** The path of a folder, there or not. */
export const folder: Reader<string> = (given) => {
  if (given !== '' && !given.includes('\0')) return given;
  throw wrong(given, 'the path of a folder');
};

/** A tenant's id. */
export const tenantId: Reader<string> = (given) => parseTenantId(given);

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Reader<Word> {
  return (given) => {
    const found = words.find((word) => word === given);
    if (found !== undefined) return found;
    const near = nearest(given, words);
    throw wrong(given, `one of ${words.join(', ')}`, near === undefined ? undefined : `did you mean ${near}?`);
  };
}

/** A whole number within bounds. */
export function whole(from: number, to: number): Reader<number> {
  return (given) => {
    const value = /^-?\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    if (value >= from && value <= to) return value;
    throw wrong(given, `a whole number from ${from} to ${to}`);
  };
}

/** A number within bounds, with at most so many decimals. */
export function decimal(from: number, to: number, decimals: number): Reader<number> {
  const shape = new RegExp(`^\\d{1,15}(?:\\.\\d{1,${decimals}})?$`);
  return (given) => {
    const value = shape.test(given) ? Number(given) : Number.NaN;
    if (value >= from && value <= to) return value;
    throw wrong(given, `a number from ${from} to ${to} with at most ${decimals} decimals`);
  };
}

/** What `read` takes, or `word`. */
export function orWord<T, const Word extends string>(word: Word, read: Reader<T>): Reader<T | Word> {
  return (given) => {
    if (given === word) return word;
    try {
      return read(given);
    } catch (error) {
      if (!(error instanceof RaeError)) throw error;
      const hint = nearest(given, [word]) === undefined ? error.hint : `did you mean ${word}?`;
      throw new RaeError(error.code, `${error.message}, or ${word}`, { hint, cause: error });
    }
  };
}

/** An instant: an ISO 8601 date, or date and time with a zone; a date alone is its midnight in UTC. */
export const instant: Reader<Date> = (given) => {
  const shape = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
  const at = shape.test(given) ? new Date(given.replace(' ', 'T')) : new Date(Number.NaN);
  // JavaScript takes 30 February for 2 March.
  const day = Number(given.slice(8, 10));
  const known = !Number.isNaN(at.getTime()) && new Date(`${given.slice(0, 10)}T00:00:00Z`).getUTCDate() === day;
  if (known && at.getTime() >= 0) return at;
  throw wrong(given, 'a date such as 2026-11-23, or an instant such as 2026-11-23T02:00:00Z, from 1970 on');
};

const UNITS: Readonly<Record<string, number>> = Object.freeze({ s: SECOND, m: MINUTE, h: HOUR, d: DAY });

/** A length of time such as `90s`, `15m`, `2h` or `3d`, in ms. */
export const span: Reader<number> = (given) => {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(given) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw wrong(given, 'a length of time such as 90s, 15m, 2h or 3d');
};

/** A JSON object. */
export const jsonObject: Reader<Readonly<Record<string, unknown>>> = (given) => {
  try {
    const value: unknown = JSON.parse(given);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, like any other text that is no object.
  }
  throw wrong(given, `a JSON object such as '{"region":"eu"}'`);
};

function wrong(given: string, expected: string, hint?: string): RaeError {
  const shown = given.length > 60 ? `${given.slice(0, 60)}…` : given;
  return new RaeError('RAE_USAGE', `is ${JSON.stringify(clean(shown))}; expected ${expected}`, { hint });
}

/** Puts the name of the option before what is said about its value. */
function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new RaeError('RAE_USAGE', `${name}: ${error.message}`);
    if (!(error instanceof RaeError)) throw error;
    const joint = error.message.startsWith('is ') ? ' ' : ': ';
    throw new RaeError(error.code, `${name}${joint}${error.message}`, { hint: error.hint, cause: error });
  }
}
