import { clean, cut, padded, widthOf } from './cell.ts';
import type { Style, Tone } from './style.ts';

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | undefined;
  /** Default: left; numbers read better to the right. */
  readonly align?: 'left' | 'right';
  readonly tone?: (row: Row) => Tone | undefined;
  /** Gives way first where the terminal is too narrow. State and reason never do. */
  readonly shrinks?: boolean;
}

/** How a table is to look. */
export interface Look {
  readonly style: Style;
  /** Columns of the terminal; undefined = nothing is cut. */
  readonly width: number | undefined;
}

const GAP = '  ';
const LEAST = 8;

/** Rows under aligned titles, without lines around them; empty for no rows. Ends without a line break. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], look: Look): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map((column) => clean(String(column.value(row) ?? '–'))));
  const widths = fitted(
    columns,
    columns.map(({ title }, at) => Math.max(widthOf(title), ...cells.map((row) => widthOf(row[at] ?? '')))),
    look.width,
  );
  const line = (texts: readonly string[], toneOf: (at: number) => Tone | undefined) =>
    texts
      .map((text, at) => {
        const shown = cut(text, widths[at] ?? 0);
        const last = at === texts.length - 1 && columns[at]?.align !== 'right';
        return look.style(last ? shown : padded(shown, widths[at] ?? 0, columns[at]?.align ?? 'left'), toneOf(at));
      })
      .join(GAP)
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    () => 'dim',
  );
  const body = rows.map((row, index) => line(cells[index] ?? [], (at) => columns[at]?.tone?.(row)));
  return [head, ...body].join('\n');
}

/** Labels and values, one pair per line, aligned. A value may have several lines. */
export function details(
  pairs: readonly (readonly [label: string, value: string | number | undefined])[],
  style: Style,
): string {
  const width = Math.max(...pairs.map(([label]) => label.length));
  return pairs
    .map(([label, value]) => {
      const [first = '', ...further] = String(value ?? '–')
        .split('\n')
        .map(clean);
      const indented = further.map((line) => `${' '.repeat(width)}${GAP}${line}`);
      return [`${style(label.padEnd(width), 'dim')}${GAP}${first}`, ...indented].join('\n');
    })
    .join('\n');
}

function fitted<Row>(columns: readonly Column<Row>[], widths: number[], width: number | undefined): readonly number[] {
  if (width === undefined) return widths;
  const needed = () => widths.reduce((sum, own) => sum + own, GAP.length * (widths.length - 1));
  // Long tables have many columns that may give way: the widest first.
  const giving = columns.flatMap(({ shrinks }, at) => (shrinks === true ? [at] : []));
  for (const at of giving.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))) {
    const over = needed() - width;
    if (over > 0) widths[at] = Math.max(LEAST, (widths[at] ?? 0) - over);
  }
  return widths;
}
