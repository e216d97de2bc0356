import { basename } from 'node:path';
import { RaeError } from '../kernel/errors.ts';
import { CsvReader } from './csv-reader.ts';
import type { FileRow } from './file-row.ts';
import type { KindName } from './kind.ts';
import { kindNamed, kindOfNames } from './kinds.ts';
import { RowFault } from './row-fault.ts';
import type { SourceFile } from './source-file.ts';

/** The two forms of files. */
export const FORMATS = ['jsonl', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** What is said about a file by whoever imports it. */
export interface SaidForm {
  readonly format?: Format | undefined;
  readonly kind?: KindName | undefined;
  /** What stands between the cells of CSV. Default: a comma. */
  readonly delimiter?: string | undefined;
}

/** What a file is. */
export interface FileForm {
  readonly format: Format;
  /** The kind of rows that do not name theirs; undefined: the rows of JSONL show it. */
  readonly kind: KindName | undefined;
  readonly delimiter: string;
  /** The names in a CSV file's header. */
  readonly header: readonly string[];
  /** Where the first row begins. */
  readonly position: number;
  /** How many lines stand before it. */
  readonly lines: number;
}

/**
 * Finds out what a file is: by what is said, else by its name, else by its first line.
 * @throws RaeError `RAE_USAGE` where that cannot be told, naming what was seen and the option that says it.
 */
export function formOf(source: SourceFile, said: SaidForm): FileForm {
  const format = said.format ?? formatOf(source);
  const delimiter = said.delimiter ?? ',';
  const kind = said.kind ?? kindNamed(basename(source.name).split('.')[0] ?? '')?.name;
  const start = { position: source.mark, lines: 0 };
  if (format === 'jsonl') {
    refuseArray(source);
    return { format, kind, delimiter, header: [], ...start };
  }
  const header = headerOf(source, delimiter);
  refuseDelimiter(source, header.names, delimiter, said.delimiter);
  const found = kind ?? kindOfNames(header.names)?.name;
  if (found === undefined) {
    const names = header.names
      .slice(0, 8)
      .map((name) => name.slice(0, 40))
      .join(', ');
    throw new RaeError(
      'RAE_USAGE',
      `${source.name}: which kind of rows these are cannot be told from the columns ${names}`,
      {
        hint: 'say it with --kind',
      },
    );
  }
  return { format, kind: found, delimiter, header: header.names, position: header.position, lines: header.lines };
}

function formatOf(source: SourceFile): Format {
  if (/\.(jsonl|ndjson|json)$/i.test(source.name)) return 'jsonl';
  if (/\.(csv|tsv)$/i.test(source.name)) return 'csv';
  return /^\s*[{[]/.test(source.head.toString('utf8', source.mark)) ? 'jsonl' : 'csv';
}

function refuseArray(source: SourceFile): void {
  if (!/^\s*\[/.test(source.head.toString('utf8', source.mark))) return;
  throw new RaeError('RAE_USAGE', `${source.name} is one JSON array; expected one JSON object a line`, {
    hint: "take it apart on the way: jq -c '.[]' … | rae tenant import <tenant> --file -",
  });
}

interface Header {
  readonly names: readonly string[];
  readonly position: number;
  readonly lines: number;
}

function headerOf(source: SourceFile, delimiter: string): Header {
  const reader = new CsvReader(delimiter, undefined, source.mark, 0);
  // One line at a time, so that the position is that behind the header.
  const text = source.head.subarray(source.mark);
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(10, start);
    const end = found === -1 ? text.length : found + 1;
    const { rows, position, lines } = reader.read(text.subarray(start, end), found === -1);
    const names = rows[0] === undefined ? undefined : namesIn(source, rows[0]);
    if (names !== undefined) return { names, position, lines };
    start = end;
  }
  const [rest] = reader.read(Buffer.alloc(0), true).rows;
  if (rest !== undefined) namesIn(source, rest);
  throw new RaeError('RAE_USAGE', `${source.name} has no header row in its first ${source.head.length} bytes`);
}

function namesIn(source: SourceFile, { line, content }: FileRow): readonly string[] {
  if ('cells' in content) return content.cells.map((cell) => (cell ?? '').trim());
  const fault = content instanceof RowFault ? content.message : 'is none';
  throw new RaeError('RAE_USAGE', `${source.name}, line ${line}: the header ${fault}`);
}

const DELIMITERS: readonly (readonly [delimiter: string, said: string])[] = [
  [',', "','"],
  [';', "';'"],
  ['\t', 'tab'],
  ['|', "'|'"],
];

function refuseDelimiter(source: SourceFile, names: readonly string[], used: string, said: string | undefined): void {
  const [only = ''] = names;
  const other = names.length === 1 ? DELIMITERS.find(([one]) => one !== used && only.includes(one)) : undefined;
  if (other === undefined) return;
  const seen = said === undefined ? 'a comma' : JSON.stringify(used);
  throw new RaeError(
    'RAE_USAGE',
    `${source.name}, line 1: the header is one cell; its names are not separated by ${seen}`,
    {
      hint: `say what separates them: --delimiter ${other[1]}`,
    },
  );
}
