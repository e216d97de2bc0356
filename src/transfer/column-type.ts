import { arrayElements } from './array-text.ts';
import { instantText } from './instant.ts';
import { refusedByPostgres, textFault } from './raw-json.ts';
import { RowFault } from './row-fault.ts';

/** How COPY writes an SQL NULL. */
export const NULL = '\\N';

/**
 * How a value of a file becomes one of a column, in COPY's text form. Both throw RowFault, whose column the caller adds.
 * Values are never null: what null means is the column's affair.
 */
export interface ColumnType {
  /** A JSON value. @param raw how it is written, asked for only where that matters. */
  readonly fromJson: (value: unknown, raw: () => string) => string;
  /** The text of a CSV cell. */
  readonly fromCell: (cell: string) => string;
  /** True where an empty cell in quotes is a value, as it is of text. */
  readonly hasEmpty: boolean;
}

const SPECIAL = /[\0\\\n\r\t]|[\ud800-\udfff]/u;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** Text as COPY reads it back. @throws RowFault for what Postgres cannot store. */
export function copyText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  const fault = textFault(text);
  if (fault !== undefined) throw new RowFault(null, fault);
  return text.replace(/[\\\n\r\t]/g, (found) => ESCAPES[found] ?? found);
}

const named = (value: unknown): string => {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
};

/** A type whose JSON values are strings, or what reads like them. */
function textual(what: string, read: (text: string) => string, hasEmpty = false): ColumnType {
  const fromJson = (value: unknown) => {
    if (typeof value === 'string') return read(value);
    throw new RowFault(null, `is ${named(value)}; expected ${what}`);
  };
  return { fromJson, fromCell: read, hasEmpty };
}

/** Text of at most so many characters, as Postgres counts them. */
export function text(most = Number.POSITIVE_INFINITY, mapped: Readonly<Record<string, string>> = {}): ColumnType {
  const read = (given: string) => {
    // Code points are never more than UTF-16 units, so that only long text is counted.
    if (given.length > most && [...given].length > most) throw new RowFault(null, `is longer than ${most} characters`);
    const value = Object.hasOwn(mapped, given) ? (mapped[given] ?? given) : given;
    return copyText(value);
  };
  return textual('text', read, true);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A uuid with hyphens, in either case. */
export const uuid: ColumnType = textual('a uuid', (given) => {
  if (UUID.test(given)) return given;
  throw new RowFault(null, 'is not a uuid such as 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10');
});

/** A `timestamptz`. */
export const instant: ColumnType = textual('a date and time', instantText);

/** A number that reads back as the same one: String() drops the sign of a negative zero. */
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Numbers, in JSON as such or as text. */
function numeric(what: string, read: (text: string) => string): ColumnType {
  const fromJson = (value: unknown) => {
    if (typeof value === 'string') return read(value);
    // 1e999 is JSON, but no number of any column.
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
      throw new RowFault(null, 'is a number out of range');
    if (typeof value === 'number') return read(numberText(value));
    throw new RowFault(null, `is ${named(value)}; expected ${what}`);
  };
  return { fromJson, fromCell: read, hasEmpty: false };
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,5})?$/i;
const UNBOUNDED = /^(?:nan|[+-]?inf(?:inity)?)$/i;

/** A double: any number that is one, NaN and the infinities. */
export const double: ColumnType = numeric('a number', (given) => {
  if (UNBOUNDED.test(given)) return given;
  const value = NUMBER.test(given) ? Number(given) : Number.NaN;
  if (Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(given.replace(/e.*/i, '')))) return given;
  throw new RowFault(null, Number.isNaN(value) ? 'is not a number' : 'is a number out of range');
});

/** A whole number of four bytes. @param least the smallest that is allowed */
export function integer(least = -2_147_483_648): ColumnType {
  return numeric('a whole number', (given) => {
    const value = /^[+-]?\d{1,12}(?:\.0*)?$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= 2_147_483_647) return String(value);
    const range = least === 0 ? 'from 0 to 2147483647' : 'of four bytes';
    const negative = least === 0 && value < 0;
    throw new RowFault(null, negative ? 'is negative' : `is not a whole number ${range}`);
  });
}

/** What the database holds is below 1e12, and numbers with more decimals than this are not money. */
const MOST_INTEGER_DIGITS = 12;
const MOST_DECIMALS = 1_000;

function moneyText(given: string): string {
  const [, sign, whole = '', decimals = '', power = '0'] =
    /^([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:e([+-]?\d{1,5}))?$/i.exec(given) ?? [];
  if (sign === undefined) throw new RowFault(null, 'is not a number');
  const digits = `${whole}${decimals}`;
  const first = digits.search(/[1-9]/);
  if (first !== -1 && sign === '-') throw new RowFault(null, 'is negative');
  // Counted, not computed: a double would round what is just below.
  if (first !== -1 && whole.length - first + Number(power) > MOST_INTEGER_DIGITS)
    throw new RowFault(null, 'is not a number below 1000000000000');
  if (decimals.length - Number(power) > MOST_DECIMALS) throw new RowFault(null, 'has too many digits behind the point');
  return given;
}

/** An exact decimal number that is not negative and below 1e12: what is written is kept, trailing zeros included. */
export const money: ColumnType = {
  fromJson: (value, raw) => {
    if (typeof value === 'string') return moneyText(value);
    if (typeof value === 'number') return moneyText(raw());
    throw new RowFault(null, `is ${named(value)}; expected a number`);
  },
  fromCell: moneyText,
  hasEmpty: false,
};

const TRUE = ['t', 'true', '1', 'yes', 'y', 'on'];
const FALSE = ['f', 'false', '0', 'no', 'n', 'off'];

/** Yes or no. */
export const boolean: ColumnType = {
  fromJson: (value) => {
    if (typeof value === 'boolean') return value ? 't' : 'f';
    throw new RowFault(null, `is ${named(value)}; expected true or false`);
  },
  fromCell: (cell) => {
    const word = cell.toLowerCase();
    if (TRUE.includes(word)) return 't';
    if (FALSE.includes(word)) return 'f';
    throw new RowFault(null, 'is not true or false');
  },
  hasEmpty: false,
};

/** Any JSON, kept as it is written. */
export const json: ColumnType = {
  fromJson: (value, raw) => jsonText(value, typeof value === 'object' && isEmpty(value) ? '{}' : raw()),
  fromCell: (cell) => {
    let value: unknown;
    try {
      value = JSON.parse(cell);
    } catch {
      throw new RowFault(null, 'is not JSON');
    }
    return jsonText(value, cell);
  },
  hasEmpty: false,
};

function isEmpty(value: object | null): boolean {
  for (const _ in value) return false;
  return value !== null && !Array.isArray(value);
}

function jsonText(value: unknown, raw: string): string {
  // Only an escape can stand for what Postgres does not take: a raw NUL or half a pair has not come this far.
  const fault = raw.includes('\\u') ? refusedByPostgres(value) : undefined;
  if (fault !== undefined) throw new RowFault(null, fault);
  return copyText(raw);
}

function array(what: string, element: (value: unknown) => string): ColumnType {
  const read = (elements: readonly unknown[]) => `{${elements.map(element).join(',')}}`;
  return {
    fromJson: (value) => {
      if (Array.isArray(value)) return read(value);
      if (typeof value === 'string') return read(arrayElements(value));
      throw new RowFault(null, `is ${named(value)}; expected an array of ${what}`);
    },
    fromCell: (cell) => read(arrayElements(cell)),
    hasEmpty: false,
  };
}

/** An array of text. */
export const texts: ColumnType = array('text', (value) => {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') throw new RowFault(null, `holds ${named(value)}; expected an array of text`);
  return copyText(`"${value.replace(/["\\]/g, '\\$&')}"`);
});

/** Half of the smallest number of single precision: what is nearer to zero is refused by Postgres. */
const LEAST_REAL = 2 ** -150;

/** An array of numbers of single precision: an embedding. */
export const reals: ColumnType = array('numbers', (value) => {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  if (typeof value === 'string' && UNBOUNDED.test(value)) return value;
  if (typeof number !== 'number') throw new RowFault(null, 'holds what is not a number');
  const size = Math.abs(number);
  if (size > 3.4028235e38 || (size > 0 && size <= LEAST_REAL)) throw new RowFault(null, 'holds a number out of range');
  return numberText(number);
});
