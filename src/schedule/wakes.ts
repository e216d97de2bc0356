import type { Queryable } from '../db/database.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import { scheduleSql } from './sql.ts';

/** What is folded of one tenant and worker. */
interface Woken {
  readonly tenant_id: string;
  readonly worker: string;
  readonly enabled: boolean;
  /** When the first came that wakes it; null = nothing does. */
  readonly woken: Date | null;
}

/** Besides what a worker names: an edit of its policy, a tenant that is served again, and one that it did not know. */
const ALWAYS = ['policy', 'resume', 'enrol'] as const;

const BATCH = 10_000;

/** Kinds of hints that wake, by worker. */
export function arrivalsThatWake(catalogue: Catalogue): readonly { readonly name: string; readonly kind: string }[] {
  return catalogue.all.flatMap(({ name, definition: { when } }) =>
    when.wakes === undefined ? [] : [...ALWAYS, ...when.wakes.on].map((kind) => ({ name, kind })),
  );
}

/** Notes for whom something arrived, in the transaction that takes the hints. `folded` is in the order of tenants and workers. */
export async function noteWakes(tx: Queryable, folded: readonly Woken[]): Promise<void> {
  const woken = folded.filter(({ enabled, woken: since }) => enabled && since !== null);
  if (woken.length === 0) return;
  await tx.rows(scheduleSql.noteWakes, [
    woken.map(({ tenant_id: tenantId }) => tenantId),
    woken.map(({ worker }) => worker),
    woken.map(({ woken: since }) => since),
  ]);
}

/**
 * Owes runs of origin `wake` for what has arrived and for times that have come. Of one tenant and worker at most one waits
 * or works: what arrives while it works owes one more when it has ended.
 */
export class Wakes {
  readonly #database: Queryable;
  readonly #values: readonly unknown[] | undefined;

  constructor(database: Queryable, catalogue: Catalogue) {
    this.#database = database;
    const workers = catalogue.all.flatMap(({ name, definition: { when } }) =>
      when.wakes === undefined ? [] : [{ name, afterMs: when.wakes.afterMs, servesSuspended: when.servesSuspended }],
    );
    if (workers.length === 0) return;
    this.#values = [
      workers.map(({ name }) => name),
      workers.map(({ afterMs }) => afterMs),
      workers.map(({ servesSuspended }) => servesSuspended),
      BATCH,
    ];
  }

  /** Owes up to 10,000 runs. @returns whether there may be more to owe. */
  async owe(): Promise<boolean> {
    if (this.#values === undefined) return false;
    const [row] = await this.#database.rows<{ owed: number }>(scheduleSql.oweWakes, this.#values);
    return row?.owed === BATCH;
  }
}
