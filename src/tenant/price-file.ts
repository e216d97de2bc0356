import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';

/** A price as text, so that no digit of it is lost. US dollars per million tokens. */
export interface ModelPrice {
  readonly model: string;
  readonly valid_from: string;
  readonly input_per_million: string;
  readonly output_per_million: string;
  /** Null = as other input. */
  readonly cached_input_per_million: string | null;
}

const COLUMNS = ['model', 'valid_from', 'input_per_million', 'output_per_million', 'cached_input_per_million'] as const;
type ColumnName = (typeof COLUMNS)[number];

const FROM_THE_BEGINNING = '2020-01-01T00:00:00.000Z';
const MONEY = /^\d{1,12}(\.\d{1,12})?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const MOST_FAULTS = 20;

/**
 * Reads a CSV file of prices: a header, then a price a line.
 * @throws RaeError `RAE_USAGE` with every mistake and its line, the first twenty of them.
 */
export function pricesOf(text: string): readonly ModelPrice[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const names = cellsOf(lines[0] ?? '');
  const faults = headerFaults(names);
  const prices: ModelPrice[] = [];
  const seen = new Map<string, number>();
  for (const [at, line] of lines.entries()) {
    if (at === 0 || faults.length >= MOST_FAULTS || line.trim() === '') continue;
    const cells = cellsOf(line);
    const cell = (name: ColumnName) => cells[names.indexOf(name)] ?? '';
    const price: ModelPrice = {
      model: cell('model'),
      valid_from: cell('valid_from') || FROM_THE_BEGINNING,
      input_per_million: cell('input_per_million'),
      output_per_million: cell('output_per_million'),
      cached_input_per_million: cell('cached_input_per_million') || null,
    };
    const name = `${price.model} ${new Date(price.valid_from).getTime()}`;
    const before = seen.get(name);
    const fault =
      cells.length === names.length ? faultOf(price) : `has ${cells.length} cells; the header has ${names.length}`;
    if (fault !== undefined) faults.push(`line ${at + 1} ${fault}`);
    else if (before !== undefined) faults.push(`line ${at + 1} has the model and date of line ${before}`);
    seen.set(name, at + 1);
    prices.push(price);
  }
  if (faults.length === 0 && prices.length === 0) faults.push('there is no price in it');
  if (faults.length > 0) {
    throw new RaeError('RAE_USAGE', `the prices cannot be taken: ${faults.join('; ')}`, {
      hint: `expected CSV with the header ${COLUMNS.join(',')}; see docs/examples/model-prices.csv`,
    });
  }
  return prices;
}

/** Prices that were given otherwise than in a file. @throws RaeError `RAE_USAGE` with every mistake, the first twenty of them */
export function checkedPrices(prices: readonly ModelPrice[]): readonly ModelPrice[] {
  const faults: string[] = [];
  const seen = new Map<string, number>();
  for (const [at, price] of prices.entries()) {
    const fault = faultOf(price);
    const name = `${price.model} ${new Date(price.valid_from).getTime()}`;
    const before = seen.get(name);
    if (fault !== undefined) faults.push(`prices[${at}] ${fault}`);
    else if (before !== undefined) faults.push(`prices[${at}] has the model and date of prices[${before}]`);
    seen.set(name, at);
  }
  if (faults.length === 0) return prices;
  throw new RaeError('RAE_USAGE', `the prices cannot be taken: ${faults.slice(0, MOST_FAULTS).join('; ')}`);
}

function cellsOf(line: string): readonly string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function headerFaults(names: readonly string[]): string[] {
  const unknown = names.filter((name) => !(COLUMNS as readonly string[]).includes(name));
  const missing = COLUMNS.filter((name) => name !== 'valid_from' && name !== 'cached_input_per_million').filter(
    (name) => !names.includes(name),
  );
  return [
    ...unknown.map((name) => {
      const near = nearest(name, COLUMNS);
      return `there is no column ${JSON.stringify(name.slice(0, 60))}${near === undefined ? '' : `; did you mean ${near}?`}`;
    }),
    ...missing.map((name) => `the column ${name} is missing`),
  ];
}

/** One that the database takes as well: JavaScript takes 30 February for 2 March, and any year. */
function isInstant(text: string): boolean {
  const at = new Date(text);
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate();
  const isDay = day === Number(text.slice(8, 10)) && !/[+-](?:1[6-9]|[2-9]\d):\d\d$/.test(text);
  return INSTANT.test(text) && isDay && at.getTime() >= 0 && at.getTime() < Date.UTC(10_000, 0, 1);
}

function faultOf(price: ModelPrice): string | undefined {
  if (price.model === '' || price.model.length > 255) return 'has no model, or one of more than 255 characters';
  if (!isInstant(price.valid_from)) {
    return `has valid_from ${JSON.stringify(price.valid_from.slice(0, 40))}; expected a date such as 2026-11-23, or an instant with its zone`;
  }
  const { input_per_million: input, output_per_million: output, cached_input_per_million: cached } = price;
  for (const [name, value] of Object.entries({ input_per_million: input, output_per_million: output, cached })) {
    if (value !== null && !MONEY.test(value))
      return `has ${name} ${JSON.stringify(value.slice(0, 40))}; expected US dollars per million tokens such as 2.5`;
  }
  return undefined;
}
