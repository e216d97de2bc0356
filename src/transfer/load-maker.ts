import { setImmediate as turn } from 'node:timers/promises';
import type { FileForm } from './file-form.ts';
import type { CellRow, FileRow, JsonRow } from './file-row.ts';
import type { Kind, KindName } from './kind.ts';
import { KINDS, kindNamed, kindOfNames, nearestKind } from './kinds.ts';
import type { Load, Staged } from './landing.ts';
import { cellValues, jsonValues, RowEncoder } from './row-encoder.ts';
import { type Reject, RowFault } from './row-fault.ts';
import { KIND_FIELDS, type Shape, shapeOf } from './shape.ts';

/** What rows are taken for. */
export interface Acceptance {
  /** The tenant they go into. */
  readonly tenantId: string;
  /** Another tenant whose rows are taken for those of `tenantId`; rows of any third one are refused. */
  readonly fromTenant: string | undefined;
  /** Read over columns that are unknown, instead of refusing the rows. */
  readonly ignoreUnknown: boolean;
  /** Told once of each column that is read over. */
  readonly onIgnored: (kind: KindName, column: string) => void;
  /** The instant of the import. */
  readonly now: Date;
}

/** Rows of a file, ready to be put in, and those that cannot be. */
export interface Made {
  readonly load: Load;
  readonly rejects: readonly Reject[];
}

/** After so many rows the database's answers are looked at: else it would wait for the rest of a block, and then this for it. */
const ROWS_AT_ONCE = 100;

/** Most shapes that are remembered: a file whose every row has other keys must not fill the memory. */
const MOST_SHAPES = 500;

/** Checks the rows of one file and turns them into what COPY reads. */
export class LoadMaker {
  readonly #form: FileForm;
  readonly #acceptance: Acceptance;
  readonly #shapes = new Map<string, RowEncoder<string>>();
  readonly #header: RowEncoder<number> | undefined;
  readonly #ignored = new Set<string>();

  /** @throws RowFault where the header of a CSV file does not fit its kind */
  constructor(form: FileForm, acceptance: Acceptance) {
    this.#form = form;
    this.#acceptance = acceptance;
    const kind = form.kind === undefined ? undefined : KINDS.get(form.kind);
    if (form.format === 'csv' && kind !== undefined) this.#header = this.#encoder(kind, form.header, (index) => index);
  }

  async make(rows: readonly FileRow[]): Promise<Made> {
    const load = new Map<KindName, Staged>();
    const rejects: Reject[] = [];
    for (const [index, { line, content }] of rows.entries()) {
      if (index % ROWS_AT_ONCE === 0) await turn();
      let kind: KindName | null = this.#form.kind ?? null;
      try {
        if (content instanceof RowFault) throw content;
        const encoder = 'cells' in content ? this.#header : this.#encoderOf(content);
        if (encoder === undefined) throw new RowFault(null, 'is of no kind');
        kind = encoder.shape.kind.name;
        add(load, kind, line, this.#lineOf(encoder, line, content));
      } catch (error) {
        if (!(error instanceof RowFault)) throw error;
        rejects.push({
          line,
          kind,
          column: error.column,
          reason: error.message,
        });
      }
    }
    return { load, rejects };
  }

  #lineOf(encoder: RowEncoder<string> | RowEncoder<number>, line: number, content: JsonRow | CellRow): string {
    if ('cells' in content) {
      const { shape } = encoder as RowEncoder<number>;
      const { cells } = content;
      this.#refuseForeign(shape.tenant === undefined ? undefined : cells[shape.tenant]);
      const values = cellValues(cells, this.#form.header);
      return (encoder as RowEncoder<number>).line(line, values, () => JSON.stringify(cells));
    }
    const { shape } = encoder as RowEncoder<string>;
    const { object, source } = content;
    this.#refuseForeign(shape.tenant === undefined ? undefined : object[shape.tenant]);
    return (encoder as RowEncoder<string>).line(line, jsonValues(object, source), () => source);
  }

  #refuseForeign(tenant: unknown): void {
    if (tenant === undefined || tenant === null || tenant === '') return;
    const { tenantId, fromTenant } = this.#acceptance;
    const said = String(tenant).toLowerCase();
    if (said === tenantId || said === fromTenant?.toLowerCase()) return;
    throw new RowFault(
      'tenant_id',
      'is that of another tenant; --from-tenant takes the rows of one tenant for this one',
    );
  }

  #encoderOf({ object }: JsonRow): RowEncoder<string> {
    const names = Object.keys(object);
    const said = KIND_FIELDS.map((field) => object[field]).find((value) => value !== undefined);
    const key = `${typeof said === 'string' ? said : ''}\0${names.join('\0')}`;
    const known = this.#shapes.get(key);
    if (known !== undefined) return known;
    const encoder = this.#encoder(this.#kindOf(names, said), names, (index) => names[index] ?? '');
    if (this.#shapes.size >= MOST_SHAPES) this.#shapes.clear();
    this.#shapes.set(key, encoder);
    return encoder;
  }

  #kindOf(names: readonly string[], said: unknown): Kind {
    if (said !== undefined) {
      const kind = typeof said === 'string' ? kindNamed(said) : undefined;
      if (kind !== undefined) return kind;
      const near = typeof said === 'string' ? nearestKind(said.slice(0, 60)) : undefined;
      const hint = near === undefined ? `expected one of ${[...KINDS.keys()].join(', ')}` : `did you mean ${near}?`;
      throw new RowFault('kind', `is no kind of rows; ${hint}`);
    }
    const kind = this.#form.kind === undefined ? kindOfNames(names) : KINDS.get(this.#form.kind);
    if (kind !== undefined) return kind;
    throw new RowFault(null, 'does not show of which kind it is; give it a field "kind", or say --kind');
  }

  #encoder<Place>(kind: Kind, names: readonly string[], place: (index: number) => Place): RowEncoder<Place> {
    const { ignoreUnknown, onIgnored, now } = this.#acceptance;
    const shape: Shape<Place> = shapeOf(kind, names, place, ignoreUnknown);
    for (const column of shape.ignored) {
      const key = `${kind.name} ${column}`;
      if (this.#ignored.has(key) || this.#ignored.size > MOST_SHAPES) continue;
      this.#ignored.add(key);
      onIgnored(kind.name, column);
    }
    return new RowEncoder(shape, now);
  }
}

function add(load: Map<KindName, Staged>, kind: KindName, line: number, row: string): void {
  const staged = load.get(kind);
  if (staged === undefined) load.set(kind, { rows: [row], lines: [line] });
  else {
    staged.rows.push(row);
    staged.lines.push(line);
  }
}
