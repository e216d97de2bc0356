import { enter, FLEET_LOG, OPERATOR } from '../audit/log.ts';
import type { Database, Row } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import type { ModelPrice } from './price-file.ts';

const sql = loadStatements(new URL('./price-book.sql', import.meta.url), ['list', 'put', 'removeOthers']);

/** The prices of models, one list for the whole fleet. Acts as `rae_operator`. */
export class PriceBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All prices by model and date, or the one that calls of `model` cost now; none where it is not known. */
  async list(model?: string): Promise<readonly ModelPrice[]> {
    return this.#database.rows<ModelPrice & Row>(sql.list, [model ?? null]);
  }

  /** Takes all of `prices` or, where one is refused, none. @param replace removes those that are not among them */
  async put(
    prices: readonly ModelPrice[],
    replace: boolean,
  ): Promise<{ readonly changed: number; readonly removed: number }> {
    const given = [JSON.stringify(prices)];
    return this.#database.transaction(async (tx) => {
      const [put] = await tx.rows<{ changed: number }>(sql.put, given);
      const [gone] = replace ? await tx.rows<{ removed: number }>(sql.removeOthers, given) : [];
      const done = { changed: put?.changed ?? 0, removed: gone?.removed ?? 0 };
      await enter(tx, OPERATOR, 'price.imported', { prices: prices.length, ...done });
      return done;
    }, enteringTenant(FLEET_LOG));
  }
}
