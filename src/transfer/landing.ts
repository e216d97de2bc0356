import type { Row, Transaction } from '../db/database.ts';
import { loadStatements, type Statement } from '../db/statement.ts';
import { KIND_NAMES, type KindName } from './kind.ts';
import type { Reject } from './row-fault.ts';

/** What becomes of a row that is there already: it stays, it is changed, or that is a fault. */
export const CONFLICT_RULES = ['skip', 'update', 'fail'] as const;
export type ConflictRule = (typeof CONFLICT_RULES)[number];

/** Rows of one kind, ready for a COPY, each with its line. */
export interface Staged {
  readonly rows: string[];
  readonly lines: number[];
}

/** Rows that go in together. */
export type Load = ReadonlyMap<KindName, Staged>;

/** What a load did. */
export interface Landed {
  readonly imported: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejects: readonly Reject[];
}

const NAMES = ['stage', 'fill', 'clear', 'check', 'drop', 'add', 'put', 'rows', 'cells'] as const;

/** The statements of every kind. */
export const KIND_SQL: Readonly<Record<KindName, Readonly<Record<(typeof NAMES)[number], Statement>>>> = Object.freeze(
  Object.fromEntries(
    KIND_NAMES.map((kind) => [
      kind,
      loadStatements(new URL(`./${kind.replaceAll('_', '-')}.sql`, import.meta.url), NAMES),
    ]),
  ) as Record<KindName, Readonly<Record<(typeof NAMES)[number], Statement>>>,
);

interface Fault extends Row {
  readonly line: string;
  readonly fault: string;
  readonly on_column: string | null;
}

/** How a load goes in. */
export interface LandingRule {
  readonly onConflict: ConflictRule;
  /** True where further loads follow in the transaction: the temporary table is emptied at its end anyway. */
  readonly moreFollows: boolean;
}

/**
 * Puts a load into the tenant's tables: COPY cannot write to a table under row security, so the rows are copied into a
 * temporary table first and go on from there as rows of the tenant that is entered.
 */
export async function land(tx: Transaction, tenantId: string, load: Load, rule: LandingRule): Promise<Landed> {
  const { onConflict, moreFollows } = rule;
  const sum = { imported: 0, updated: 0, skipped: 0, rejects: [] as Reject[] };
  for (const kind of KIND_NAMES) {
    const staged = load.get(kind);
    if (staged === undefined || staged.rows.length === 0) continue;
    const sql = KIND_SQL[kind];
    await tx.rows(sql.stage);
    await tx.copyIn(sql.fill, Buffer.from(staged.rows.join('')));
    const faults = needsCheck(kind, onConflict)
      ? await tx.rows<Fault>(sql.check, [tenantId, onConflict === 'fail'])
      : [];
    if (faults.length > 0) await tx.rows(sql.drop, [faults.map(({ line }) => line)]);
    const [add] = await tx.rows<{ added: number }>(sql.add, [tenantId]);
    // Afterwards, so that of a new row that the load has twice the last one counts, as it does for one that was there.
    const [put] = onConflict === 'update' ? await tx.rows<{ changed: number }>(sql.put, [tenantId]) : [];
    if (moreFollows) await tx.rows(sql.clear);
    const [added, changed] = [add?.added ?? 0, put?.changed ?? 0];
    sum.imported += added;
    sum.updated += changed;
    sum.skipped += staged.rows.length - faults.length - added - changed;
    for (const { line, fault, on_column: column } of faults)
      sum.rejects.push({ line: Number(line), kind, column, reason: fault });
  }
  return sum;
}

const REFER_TO_NOTHING: readonly KindName[] = ['memories', 'graph_nodes', 'cost_logs'];

/** Where rows refer to nothing and one that is there stays, there is nothing that could be wrong. */
function needsCheck(kind: KindName, rule: ConflictRule): boolean {
  return rule !== 'skip' || !REFER_TO_NOTHING.includes(kind);
}
