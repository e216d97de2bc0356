import { sqlStateOf } from '../db/sqlstate.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { KindName } from './kind.ts';
import { type ConflictRule, type Load, land, type Staged } from './landing.ts';
import type { Reject } from './row-fault.ts';

/** True for an error that is about the rows, not about the database: a value or a constraint, or JSON too deep for it. */
export function isAboutRows(error: unknown): boolean {
  const state = sqlStateOf(error) ?? '';
  return state.startsWith('22') || state.startsWith('23') || state === '54000' || state === '54001';
}

/** Thrown to take a trial back. */
class Undone extends Error {}

/**
 * Finds the rows of a load that the database itself refuses, by trying halves of it and taking each trial back. This is
 * for what the checks do not foresee; the database's own words are not passed on, since they quote the row.
 */
export async function badRows(
  tenants: TenantContext,
  tenantId: string,
  load: Load,
  rule: ConflictRule,
): Promise<Reject[]> {
  const found: Reject[] = [];
  for (const [kind, staged] of load) await search(tenants, tenantId, kind, staged, rule, found);
  return found.sort((a, b) => a.line - b.line);
}

async function search(
  tenants: TenantContext,
  tenantId: string,
  kind: KindName,
  staged: Staged,
  rule: ConflictRule,
  found: Reject[],
): Promise<void> {
  const error = await trial(tenants, tenantId, new Map([[kind, staged]]), rule);
  if (error === undefined) return;
  const { rows, lines } = staged;
  const [line] = lines;
  if (lines.length === 1 && line !== undefined) {
    found.push({ line, kind, column: columnOf(error), reason: reasonOf(error) });
    return;
  }
  const half = Math.ceil(lines.length / 2);
  await search(tenants, tenantId, kind, { rows: rows.slice(0, half), lines: lines.slice(0, half) }, rule, found);
  await search(tenants, tenantId, kind, { rows: rows.slice(half), lines: lines.slice(half) }, rule, found);
}

/** The error that a load ends with; undefined where it would go in. */
async function trial(tenants: TenantContext, tenantId: string, load: Load, rule: ConflictRule): Promise<unknown> {
  try {
    await tenants.inTenant(tenantId, async (tx) => {
      await land(tx, tenantId, load, { onConflict: rule, moreFollows: false });
      throw new Undone();
    });
  } catch (error) {
    if (error instanceof Undone) return undefined;
    if (isAboutRows(error)) return error;
    throw error;
  }
  return undefined;
}

function columnOf(error: unknown): string | null {
  const { column, where } = error as { readonly column?: string; readonly where?: string };
  return column ?? /, column (\w+)/.exec(where ?? '')?.[1] ?? null;
}

function reasonOf(error: unknown): string {
  const state = sqlStateOf(error) ?? '';
  const { constraint } = error as { readonly constraint?: string };
  if (constraint !== undefined) return `breaks the rule ${constraint} of the database`;
  if (state.startsWith('54')) return 'is too deep or too large for Postgres';
  return `is refused by Postgres (SQLSTATE ${state})`;
}

/** The load without these lines. */
export function without(load: Load, rejects: readonly Reject[]): Load {
  const left = new Map<KindName, Staged>();
  for (const [kind, { rows, lines }] of load) {
    const gone = new Set(rejects.filter((one) => one.kind === kind).map(({ line }) => line));
    const kept = lines.map((line, index) => ({ line, row: rows[index] ?? '' })).filter(({ line }) => !gone.has(line));
    left.set(kind, { rows: kept.map(({ row }) => row), lines: kept.map(({ line }) => line) });
  }
  return left;
}
