import { type Author, enter, FLEET_LOG } from '../audit/log.ts';
import type { Database, Queryable } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import {
  type DisplacementRow,
  EVERY_TENANT_RULE,
  type FallbackRule,
  type PlacementRuleRow,
  PlacementRules,
  type QuarantineRule,
} from './placement-rule.ts';

const sql = loadStatements(new URL('./placement-book.sql', import.meta.url), [
  'rules',
  'displaced',
  'setRule',
  'removeRule',
]);

/** The rules by which dispatch places tenants elsewhere, and who is. */
export async function readPlacementRules(
  database: Queryable,
): Promise<{ readonly rules: PlacementRules; readonly displaced: readonly DisplacementRow[] }> {
  const rows = await database.rows<PlacementRuleRow>(sql.rules);
  return { rules: new PlacementRules(rows), displaced: await database.rows<DisplacementRow>(sql.displaced) };
}

/** The rules by which dispatch places tenants elsewhere, as operators state them. A scheduler follows within a second. */
export class PlacementBook {
  readonly #database: Database;

  /** @param database as `rae_operator`. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** Every rule there is, and every tenant that is placed elsewhere by one. */
  async show(): Promise<{
    readonly rules: readonly PlacementRuleRow[];
    readonly displaced: readonly DisplacementRow[];
  }> {
    const rules = await this.#database.rows<PlacementRuleRow>(sql.rules);
    return { rules, displaced: await this.#database.rows<DisplacementRow>(sql.displaced) };
  }

  /**
   * States a rule for a tenant, or undefined, for every tenant that has none of its own.
   * @param settings null = never for this tenant; undefined = no rule any more.
   */
  async set(
    tenantId: string | undefined,
    kind: 'fallback' | 'quarantine',
    settings: FallbackRule | QuarantineRule | null | undefined,
    author: Author,
  ): Promise<void> {
    const key = [tenantId ?? EVERY_TENANT_RULE, kind];
    await this.#database.transaction(
      async (tx) => {
        if (settings === undefined) await tx.rows(sql.removeRule, key);
        else await tx.rows(sql.setRule, [...key, settings === null ? null : JSON.stringify(settings), author.actor]);
        await enter(tx, author, `placement.${kind}_set`, {
          settings: settings ?? null,
          removed: settings === undefined,
        });
      },
      enteringTenant(tenantId ?? FLEET_LOG),
    );
  }
}
