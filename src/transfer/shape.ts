import { nearest } from '../kernel/nearest.ts';
import type { Column, Kind } from './kind.ts';
import { RowFault } from './row-fault.ts';

/** The column with the tenant a row says it is of. */
export const TENANT = 'tenant_id';
/** In a JSONL row, its kind. */
export const KIND_FIELDS: readonly string[] = ['kind', 'table'];

/** Which name or place of a file's rows each column of a kind is taken from. */
export interface Shape<Place> {
  readonly kind: Kind;
  /** Per column of the kind; undefined where the rows do not have it. */
  readonly places: readonly (Place | undefined)[];
  readonly tenant: Place | undefined;
  /** Names that are no column, left out because that was asked for. */
  readonly ignored: readonly string[];
}

/** Every name a column of `kind` may have in a file. */
function namesOf(kind: Kind): ReadonlyMap<string, Column> {
  return new Map(
    kind.columns.flatMap((column) => [column.name, ...(column.aliases ?? [])].map((name) => [name, column])),
  );
}

/**
 * Finds the columns of `kind` among `names`.
 * @param place the place of the name with this index.
 * @throws RowFault naming the first that is unknown, there twice or missing.
 */
export function shapeOf<Place>(
  kind: Kind,
  names: readonly string[],
  place: (index: number) => Place,
  ignoreUnknown: boolean,
): Shape<Place> {
  const known = namesOf(kind);
  const found = new Map<Column, { readonly name: string; readonly place: Place }>();
  let tenant: Place | undefined;
  const ignored: string[] = [];
  names.forEach((given, index) => {
    const name = given.trim();
    const column = known.get(name) ?? known.get(name.toLowerCase());
    if (column === undefined) {
      if (name === TENANT) tenant = place(index);
      else if (!kind.passedOver.includes(name) && !KIND_FIELDS.includes(name)) {
        if (!ignoreUnknown) throw unknown(name, kind, known.keys());
        ignored.push(name);
      }
      return;
    }
    const before = found.get(column);
    if (before !== undefined) {
      const twice = before.name === name ? 'is there twice' : `is the same column as ${before.name}: give one of them`;
      throw new RowFault(name, twice);
    }
    found.set(column, { name, place: place(index) });
  });
  const missing = kind.columns.find((column) => column.required === true && !found.has(column));
  if (missing !== undefined) throw new RowFault(missing.name, `is missing; rows of ${kind.name} must have it`);
  return {
    kind,
    places: kind.columns.map((column) => found.get(column)?.place),
    tenant,
    ignored,
  };
}

function unknown(name: string, kind: Kind, known: Iterable<string>): RowFault {
  const near = nearest(name, [...known, TENANT]);
  const hint =
    near === undefined ? `; it has ${kind.columns.map((one) => one.name).join(', ')}` : `; did you mean ${near}?`;
  return new RowFault(shown(name), `is no column of ${kind.name}${hint}`);
}

/** The name of a column that may be shown: whole rows come as a name where a file is not what it was taken for. */
function shown(name: string): string {
  const printable = name.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
  return printable.length > 40 ? `${printable.slice(0, 40)}…` : printable === '' ? '""' : printable;
}
