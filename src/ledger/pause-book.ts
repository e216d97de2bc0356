import { type Author, enter, FLEET_LOG } from '../audit/log.ts';
import type { Database, Queryable } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import { EVERY, EVERY_TENANT, type Pause, type PausedArrivals, type PauseScope } from './pause.ts';
import { PauseUpkeep } from './pause-upkeep.ts';

const sql = loadStatements(new URL('./pause-book.sql', import.meta.url), ['pause', 'lift', 'list', 'find', 'holding']);

/** What an operator says of a pause. */
export interface PauseRequest extends PauseScope {
  readonly arrivals: PausedArrivals;
  /** Take back what runs, too. */
  readonly aborts: boolean;
  readonly reason: string;
  /** Undefined = until it is lifted. */
  readonly expiresAt: Date | undefined;
}

/** Which pauses. */
export interface PausePage {
  readonly lifted?: boolean;
  readonly limit?: number;
  /** Id of the last one of the page before. */
  readonly after?: string | undefined;
}

/** A pause that has begun. */
export interface Begun {
  readonly pause: Pause;
  /** Runs that were admitted and not begun, and that were taken back while they ran. */
  readonly queued: number;
  readonly running: number;
}

/**
 * What is paused, as operators set it, as `rae_operator`. When `pause` returns nothing more of it begins: whoever
 * admits has read the pause or admits nothing, and what was admitted and had not begun is owed again.
 */
export class PauseBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Pauses it, or changes the pause of just this that holds already. */
  async pause({ arrivals, aborts, reason, expiresAt, ...scope }: PauseRequest, author: Author): Promise<Begun> {
    return this.#in(scope.tenantId, async (tx) => {
      const values = [...keyOf(scope), arrivals, aborts, reason, author.actor, expiresAt ?? null];
      const [pause] = await tx.rows<Pause>(sql.pause, values);
      if (pause === undefined) throw new Error('a pause was set and is not there');
      // Sees all that was admitted before: setting the pause has waited for it.
      const taken = await new PauseUpkeep(tx).takeBack();
      const running = taken.filter(({ was }) => was === 'running').length;
      const queued = taken.filter(({ was }) => was === 'queued').length;
      await enter(tx, author, `${whose(scope)}.paused`, detailOf(pause));
      return { pause, queued, running };
    });
  }

  /** Takes back what runs still although a pause is to abort it: a step held it. @returns how many run on. */
  async abort(): Promise<number> {
    const upkeep = new PauseUpkeep(this.#database);
    await upkeep.takeBack();
    return upkeep.running();
  }

  /** Lifts the pause of just this; nothing named = every pause. @returns those that are lifted now. */
  async resume(scope: PauseScope, author: Author): Promise<readonly Pause[]> {
    const { tenantId, worker, queue } = scope;
    const isAll = tenantId === undefined && worker === undefined && queue === undefined;
    // What arrived to be skipped would be let go else.
    const upkeep = new PauseUpkeep(this.#database);
    while (await upkeep.skipArrived());
    return this.#in(tenantId, async (tx) => {
      const gone = await tx.rows<Pause>(sql.lift, [...(isAll ? [null, null, null] : keyOf(scope)), author.actor]);
      for (const pause of gone) await enter(tx, author, `${whose(scope)}.unpaused`, detailOf(pause));
      return gone;
    });
  }

  /** A page of the pauses that hold, the newest first; with `lifted` of those that are over too. */
  async list({ lifted = false, limit = 1_000, after }: PausePage = {}): Promise<readonly Pause[]> {
    return this.#database.rows<Pause>(sql.list, [lifted, limit, after ?? null]);
  }

  /** One that holds; undefined where none of this id does. */
  async find(pauseId: string): Promise<Pause | undefined> {
    const [pause] = await this.#database.rows<Pause>(sql.find, [pauseId]);
    return pause;
  }

  /** The pauses that hold the tenant's runs of the worker now. */
  async holding(tenantId: string, worker: string): Promise<readonly Pause[]> {
    return this.#database.rows<Pause>(sql.holding, [tenantId, worker]);
  }

  /** A transaction, with an audit log open to it: the tenant's where it is of one, else the fleet's. */
  #in<T>(tenantId: string | undefined, work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#database.transaction(work, enteringTenant(tenantId ?? FLEET_LOG));
  }
}

/** What the audit log calls the thing that is paused. */
function whose({ tenantId }: PauseScope): string {
  return tenantId === undefined ? 'fleet' : 'tenant';
}

function keyOf({ tenantId, worker, queue }: PauseScope): readonly [string, string, string] {
  return [tenantId ?? EVERY_TENANT, worker ?? EVERY, queue ?? EVERY];
}

function detailOf({
  pause_id,
  worker,
  queue,
  arrivals,
  aborts,
  reason,
  expires_at,
}: Pause): Readonly<Record<string, unknown>> {
  return { pause_id, worker, queue, arrivals, aborts, reason, expires_at };
}
