import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clean, cut, padded, widthOf } from '../../src/cli/cell.ts';
import { coloured, plain } from '../../src/cli/style.ts';
import { type Column, details, table } from '../../src/cli/table.ts';

type Row = readonly [name: string, count: number];

const columns: readonly Column<Row>[] = [
  { title: 'NAME', value: ([name]) => name, shrinks: true, tone: () => 'strong' },
  { title: 'COUNT', value: ([, count]) => count, align: 'right' },
  { title: 'STATE', value: () => 'fine', tone: () => 'good' },
];
const rows: readonly Row[] = [
  ['Acme Corp', 5],
  ['株式会社', 12_000],
];

describe('a table', () => {
  it('is aligned by what the eye sees, without lines around it', () => {
    expect(table(columns, rows, { style: plain, width: undefined })).toBe(
      ['NAME       COUNT  STATE', 'Acme Corp      5  fine', '株式会社   12000  fine'].join('\n'),
    );
  });

  it('says the same in colour as without', () => {
    const look = { style: coloured, width: undefined };
    expect(stripVTControlCharacters(table(columns, rows, look))).toBe(table(columns, rows, { ...look, style: plain }));
  });

  it('fits the terminal by cutting what may be cut, and never the state', () => {
    const long: readonly Row[] = [['a very long name of a very large company', 5]];
    const shown = table(columns, long, { style: plain, width: 30 }).split('\n');
    expect(shown.every((line) => widthOf(line) <= 30)).toBe(true);
    expect(shown[1]).toMatch(/^a very long.*…\s+5 {2}fine$/);
  });

  it('is nothing for no rows', () => {
    expect(table(columns, [], { style: plain, width: 80 })).toBe('');
  });

  it('has one line per row whatever the rows hold, and steers no terminal', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.nat()), { minLength: 1 }), (any) => {
        const shown = table(columns, any, { style: plain, width: undefined });
        expect(shown.split('\n')).toHaveLength(any.length + 1);
        expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});

describe('a cell', () => {
  it('is as wide as it was filled up or cut to', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(clean), fc.integer({ min: 1, max: 40 }), (given, width) => {
        expect(widthOf(cut(given, width))).toBeLessThanOrEqual(width);
        expect(widthOf(padded(cut(given, width), width, 'left'))).toBe(width);
      }),
    );
  });
});

describe('details', () => {
  it('have a line for each line of a value, and a dash for nothing', () => {
    const pairs = [
      ['name', 'Acme'],
      ['projects', 'one\ntwo'],
      ['contact', undefined],
    ] as const;
    expect(details(pairs, plain)).toBe(['name      Acme', 'projects  one', '          two', 'contact   –'].join('\n'));
  });
});
