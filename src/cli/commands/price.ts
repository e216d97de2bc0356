import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { messageOf, RaeError } from '../../kernel/errors.ts';
import { PriceBook } from '../../tenant/price-book.ts';
import { type ModelPrice, pricesOf } from '../../tenant/price-file.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { argument, option, text } from '../option.ts';
import { RemotePrices } from '../remote-fleet.ts';
import { table } from '../table.ts';

const priceList: Command = {
  overApi: true,
  name: 'list',
  does: 'Lists what models cost, in US dollars per million tokens; of one model, what its calls cost now.',
  options: [
    option('--model <model>', 'only the price that calls of this model have now', text),
    new Option('--csv', 'as a file that `rae price import` takes'),
  ],
  examples: ['rae price list --model gpt-4o-mini-2024-07-18', 'rae price list --csv > prices.csv'],
  run: async (call) => {
    const { model, csv } = call.options<{ model?: string; csv?: true }>();
    const prices = await book(call).list(model);
    if (model !== undefined && prices.length === 0) {
      throw new RaeError('RAE_NOT_FOUND', `no price is known for ${JSON.stringify(model.slice(0, 60))}`, {
        hint: 'its calls have an unknown cost until one is added: rae price import FILE',
      });
    }
    return { json: { prices }, text: () => (csv === true ? csvOf(prices) : listed(prices, call)) };
  },
};

const priceImport: Command = {
  overApi: true,
  name: 'import',
  does: 'Takes the prices of a CSV file, all or none; calls whose cost was not known are priced by them.',
  arguments: [argument('<file>', 'CSV with a header, or - for standard input', text)],
  options: [new Option('--replace', 'remove the prices that the file does not name')],
  examples: ['rae price import docs/examples/model-prices.csv --replace'],
  run: async (call) => {
    const [file] = call.args<[string]>();
    const { replace } = call.options<{ replace?: true }>();
    const prices = pricesOf(contentOf(file));
    const done = await book(call).put(prices, replace === true);
    return {
      json: { prices: prices.length, ...done },
      text: () => `${prices.length} prices: ${done.changed} new or changed, ${done.removed} removed`,
    };
  },
};

/** `rae price`. */
export const priceCommand: Command = {
  name: 'price',
  does: 'Lists and sets what models cost.',
  commands: [priceList, priceImport],
};

function book(call: Call): Pick<PriceBook, 'list' | 'put'> {
  return call.remote === undefined
    ? new PriceBook(call.connection.shards('rae_operator'))
    : new RemotePrices(call.remote);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new RaeError('RAE_USAGE', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function csvOf(prices: readonly ModelPrice[]): string {
  const header = 'model,valid_from,input_per_million,output_per_million,cached_input_per_million';
  return [
    header,
    ...prices.map((price) =>
      [
        price.model,
        price.valid_from,
        price.input_per_million,
        price.output_per_million,
        price.cached_input_per_million ?? '',
      ].join(','),
    ),
  ].join('\n');
}

function listed(prices: readonly ModelPrice[], call: Call): string {
  return table(
    [
      { title: 'MODEL', value: ({ model }) => model, shrinks: true },
      { title: 'FROM', value: (price) => price.valid_from.slice(0, 10) },
      { title: 'INPUT', value: (price) => price.input_per_million, align: 'right' },
      { title: 'OUTPUT', value: (price) => price.output_per_million, align: 'right' },
      { title: 'CACHED INPUT', value: (price) => price.cached_input_per_million ?? undefined, align: 'right' },
    ],
    prices,
    call.out.look,
  );
}
