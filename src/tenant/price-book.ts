import { type Author, enter, FLEET_LOG, OPERATOR } from '../audit/log.ts';
import type { Database, Row } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import type { Shards } from '../db/shards.ts';
import { loadStatements } from '../db/statement.ts';
import type { ModelPrice } from './price-file.ts';

const sql = loadStatements(new URL('./price-book.sql', import.meta.url), ['list', 'put', 'removeOthers']);

/** The prices of models, one list for the whole fleet: calls are priced where they are logged, so every shard has a copy. Acts as `rae_operator`. */
export class PriceBook {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  /** All prices by model and date, or the one that calls of `model` cost now; none where it is not known. */
  async list(model?: string): Promise<readonly ModelPrice[]> {
    return this.#shards.main.rows<ModelPrice & Row>(sql.list, [model ?? null]);
  }

  /**
   * Takes all of `prices` on every shard or, where one is refused, none of that shard and of those after it; once more brings
   * all shards to the same. @param replace removes those that are not among them
   */
  async put(prices: readonly ModelPrice[], replace: boolean, author: Author = OPERATOR): Promise<Change> {
    let most: Change = { changed: 0, removed: 0 };
    // The control database last: what it lists is then on every shard.
    for (const [, database] of [...this.#shards.all].reverse()) {
      const { changed, removed } = await putOn(database, prices, replace, author);
      most = { changed: Math.max(most.changed, changed), removed: Math.max(most.removed, removed) };
    }
    return most;
  }
}

/** How many prices became others, and how many went: of the shard where those were most. */
interface Change {
  readonly changed: number;
  readonly removed: number;
}

async function putOn(
  database: Database,
  prices: readonly ModelPrice[],
  replace: boolean,
  author: Author,
): Promise<Change> {
  const given = [JSON.stringify(prices)];
  return database.transaction(async (tx) => {
    const [put] = await tx.rows<{ changed: number }>(sql.put, given);
    const [gone] = replace ? await tx.rows<{ removed: number }>(sql.removeOthers, given) : [];
    const done = { changed: put?.changed ?? 0, removed: gone?.removed ?? 0 };
    await enter(tx, author, 'price.imported', { prices: prices.length, ...done });
    return done;
  }, enteringTenant(FLEET_LOG));
}
