import type { Queryable } from '../db/database.ts';
import type { ShareRow } from './share.ts';
import { dispatchSql } from './sql.ts';

/** A tenant that may have something owed of a worker, with its share. */
export type OwedPair = ShareRow & { readonly worker: string };

/** What was told to have arrived. */
export interface Arrivals {
  readonly pairs: readonly OwedPair[];
  /** Tenants that were changed themselves. */
  readonly changed: readonly ShareRow[];
  /** So much arrived at once that only a look at the whole ledger finds it. */
  readonly everything: boolean;
}

type Pair = OwedPair & { readonly due: boolean };
type Note = { readonly tenant_id: string; readonly worker: string | null } & Partial<ShareRow> &
  Record<string, unknown>;

/** Stands for many tenants in a note. */
const ALL = '00000000-0000-0000-0000-000000000000';
/** Pairs of tenant and worker per statement: some 50 ms of a server's work. */
const PAGE = 4_000;

/** Who has owed work, as the ledger says: all of it page by page, or what came lately. Reads no payload. */
export class Backlog {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Every tenant and worker with runs that have not ended, page by page. `due` = one is owed and may start now. */
  async *pages(): AsyncGenerator<readonly Pair[]> {
    for (let last: Pair | undefined, size = PAGE; size === PAGE; ) {
      const values = [last?.tenant_id ?? ALL, last?.worker ?? '', PAGE];
      const page = await this.#database.rows<Pair>(dispatchSql.owedPairs, values);
      last = page.at(-1);
      size = page.length;
      yield page;
    }
  }

  /** Takes the notes that arrivals have left. */
  async arrivals(): Promise<Arrivals> {
    return this.#read(await this.#database.rows<Note>(dispatchSql.arrived));
  }

  /** Reads what a notification says: `tenant worker` pairs, a tenant alone, or nothing for "look everywhere". */
  async notified(payload: string): Promise<Arrivals> {
    const notes = payload.split(',').map((note) => note.trim().split(' '));
    if (payload === '' || notes.some(([tenantId]) => tenantId === ALL)) {
      return { pairs: [], changed: [], everything: true };
    }
    const tenants = [...new Set(notes.map(([tenantId = '']) => tenantId))];
    const rows = await this.#database.rows<ShareRow>(dispatchSql.shares, [tenants]);
    const shares = new Map(rows.map((row) => [row.tenant_id, row]));
    return this.#read(
      notes.map(([tenantId = '', worker]) => ({
        ...shares.get(tenantId),
        tenant_id: shares.has(tenantId) ? tenantId : '',
        worker: worker ?? null,
      })),
    );
  }

  #read(notes: readonly Note[]): Arrivals {
    const known = notes.filter((note): note is Note & ShareRow => typeof note.epoch === 'number');
    return {
      pairs: known.filter((note): note is Note & OwedPair => note.worker !== null),
      changed: known.filter(({ worker }) => worker === null),
      everything: notes.some(({ tenant_id: tenantId }) => tenantId === ALL),
    };
  }
}
