import { createHash } from 'node:crypto';
import { NULL } from './column-type.ts';
import type { Column } from './kind.ts';
import { rawMembers } from './raw-json.ts';
import { RowFault } from './row-fault.ts';
import type { Shape } from './shape.ts';

/** Turns the rows of one shape into the lines of a COPY. */
export class RowEncoder<Place> {
  readonly shape: Shape<Place>;
  readonly #now: string;
  /** The columns that the rows give, a bit each. */
  readonly #given: number;
  /** Per column, the place of the column whose value it takes where it is absent. */
  readonly #as: readonly (number | undefined)[];

  /** @param now the instant of the import */
  constructor(shape: Shape<Place>, now: Date) {
    this.shape = shape;
    this.#now = now.toISOString();
    const { columns } = shape.kind;
    this.#given = shape.places.reduce<number>((sum, place, index) => sum + (place === undefined ? 0 : 2 ** index), 0);
    this.#as = columns.map(({ absent }) => {
      const other = typeof absent === 'object' && 'as' in absent ? absent.as : undefined;
      return other === undefined ? undefined : columns.findIndex(({ name }) => name === other);
    });
  }

  /**
   * One row as COPY reads it, its line number first.
   * @param value the text of a column's value at a place; undefined for null
   * @param written the whole row as it is written: what an id is made of where the row has none
   * @throws RowFault with the column's name in the file
   */
  line(number: number, value: (column: Column, place: Place) => string | undefined, written: () => string): string {
    const { kind, places } = this.shape;
    const texts: string[] = [];
    kind.columns.forEach((column, index) => {
      const place = places[index];
      const text = place === undefined ? undefined : value(column, place);
      if (text !== undefined) texts.push(text);
      else if (column.required === true) throw new RowFault(column.name, 'is null; it must have a value');
      else texts.push(place === undefined || column.neverNull === true ? this.#absent(column, written) : NULL);
    });
    this.#as.forEach((other, index) => {
      if (other === undefined) return;
      const isAbsent =
        places[index] === undefined || (kind.columns[index]?.neverNull === true && texts[index] === NULL);
      if (isAbsent) texts[index] = texts[other] ?? NULL;
    });
    return `${number}\t${this.#given}\t${texts.join('\t')}\n`;
  }

  #absent({ absent }: Column, written: () => string): string {
    if (absent === 'now') return this.#now;
    if (absent === 'id') return idOf(this.shape.kind.name, written());
    return absent !== undefined && 'text' in absent ? absent.text : NULL;
  }
}

/** An id made of the row itself, so that the same row is the same row when it comes again. */
function idOf(kind: string, written: string): string {
  const hash = createHash('sha256').update(`rae transfer ${kind}\n${written}`).digest('hex');
  // Version 8: a uuid of one's own making.
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** Reads the columns of a JSON row. @param source the row as it is written */
export function jsonValues(
  row: Readonly<Record<string, unknown>>,
  source: string,
): (column: Column, place: string) => string | undefined {
  let members: ReadonlyMap<string, string> | undefined;
  let at = '';
  const raw = () => {
    members ??= rawMembers(source);
    return members.get(at) ?? '';
  };
  return ({ type }, place) => {
    const value = row[place];
    if (value === null || value === undefined) return undefined;
    at = place;
    try {
      return type.fromJson(value, raw);
    } catch (error) {
      throw named(place, error);
    }
  };
}

/** Reads the columns of a CSV row. @param names what the header calls its cells */
export function cellValues(
  cells: readonly (string | null)[],
  names: readonly string[],
): (column: Column, place: number) => string | undefined {
  return ({ type }, place) => {
    const cell = cells[place] ?? null;
    if (cell === null || (cell === '' && !type.hasEmpty)) return undefined;
    try {
      return type.fromCell(cell);
    } catch (error) {
      throw named(names[place] ?? '', error);
    }
  };
}

/** What is thrown about a value, with its column's name. */
function named(column: string, error: unknown): unknown {
  return error instanceof RowFault && error.column === null ? new RowFault(column, error.message) : error;
}
