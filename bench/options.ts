import { parseArgs } from 'node:util';
import { nearest } from '../src/kernel/nearest.ts';

/** What the bench is asked for. */
export interface Options {
  /** Ids of rows, or what their ids begin with; none = all. */
  readonly only: readonly string[];
  readonly repeats: number;
  /** Where the figures are written as JSON. */
  readonly json: string | undefined;
  readonly quick: boolean;
  /** Enter these rows in docs/performance.md, also where not all were measured. */
  readonly page: boolean;
}

/** Wrong use of the command line; its message is for people. */
export class UsageError extends Error {}

const FLAGS = ['only', 'repeats', 'json', 'quick', 'page', 'list', 'help'] as const;

export const USAGE = `usage: npm run bench -- [--only ID…] [--repeats N] [--json FILE] [--quick | --page]

  --only ID     measure only this row, or those that begin so (fifo, quiet-touch); may be repeated
  --repeats N   paired repeats of each row, 1 to 50; default 5, with --quick 3. Fewer than 5 settle no verdict
  --json FILE   write the figures there as well
  --quick       smaller sizes, for a look; never written to docs/performance.md
  --page        enter the rows of --only in docs/performance.md; the others stay as they were measured before
  --list        name the rows and end
`;

/** @returns what was asked for; 'help' or 'list' where that was. @throws UsageError naming what was wrong. */
export function readOptions(args: readonly string[], ids: readonly string[]): Options | 'help' | 'list' {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: {
      only: { type: 'string', multiple: true },
      repeats: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean' },
      page: { type: 'boolean' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!FLAGS.some((flag) => flag === token.name))
      throw unknown(`there is no option ${token.rawName}`, token.name, FLAGS, '--');
    const needsValue = ['only', 'repeats', 'json'].includes(token.name);
    if (needsValue && (token.value === undefined || token.value === ''))
      throw new UsageError(`${token.rawName} needs a value`);
    if (!needsValue && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
  }
  if (values.help === true) return 'help';
  if (values.list === true) return 'list';
  // `--only fifo quiet` names both.
  const only = [...((values.only as string[] | undefined) ?? []), ...positionals];
  if (positionals.length > 0 && values.only === undefined)
    throw new UsageError(`"${positionals[0]}" is no option; rows are named by --only`);
  for (const id of only)
    if (!ids.some((known) => known.startsWith(id))) throw unknown(`there is no row "${id}"`, id, ids, '');
  const quick = values.quick === true;
  const page = values.page === true;
  if (quick && page) throw new UsageError('--quick and --page exclude each other: figures of small sizes say little');
  const repeats = repeatsOf(values.repeats as string | undefined, quick);
  if (page && repeats < 5) throw new UsageError(`--page needs 5 repeats at least, and --repeats is ${repeats}`);
  return {
    only,
    repeats,
    json: values.json as string | undefined,
    quick,
    page,
  };
}

function repeatsOf(text: string | undefined, quick: boolean): number {
  if (text === undefined) return quick ? 3 : 5;
  const repeats = Number(text);
  if (/^\d+$/.test(text) && repeats >= 1 && repeats <= 50) return repeats;
  throw new UsageError(`--repeats is "${text}"; expected a whole number from 1 to 50`);
}

function unknown(says: string, name: string, known: readonly string[], prefix: string): UsageError {
  const near = nearest(name, known);
  return new UsageError(
    `${says}; ${near === undefined ? `there are: ${known.join(', ')}` : `did you mean ${prefix}${near}?`}`,
  );
}
