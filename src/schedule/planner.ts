import type { Database, Queryable } from '../db/database.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { nextSlot, slotsBetween } from '../kernel/cron.ts';
import type { Events } from '../observe/events.ts';
import { BEFORE_ALL, planChunk } from './chunk.ts';
import { NOTHING_PLANNED, type Planned, plus } from './planned.ts';
import { scheduleSql } from './sql.ts';

/** So long before its time an idle tenant is due: a slot must not be planned between its time and this look. */
const WAKE_EARLY_MS = 3_600_000;
const WAKE_BATCH = 10_000;

type Cadence = {
  cadence_id: number;
  worker: string;
  cron: string;
  time_zone: string;
  next_at: Date;
  planning: Date[] | null;
  planned_to: string | null;
};

/** What a planner is made of. */
export interface PlannerOptions {
  readonly database: Database;
  readonly catalogue: Catalogue;
  readonly events: Events;
  readonly clock: Clock;
  /** Runs made per statement at most: tenants, or with missed slots so many fewer tenants. */
  readonly chunk: number;
}

/**
 * Turns due slots into owed runs, a chunk of tenants per transaction. How far a cadence has come is kept in its row, so
 * that any planner goes on where another was killed; a slot is made once, whoever dies when.
 */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #sums = new Map<number, { planned: Planned; startedMs: number }>();

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /**
   * Plans every cadence that is due. One that cannot be planned holds up no other.
   * @returns how many runs became owed. @throws the first failure, after all others were planned.
   */
  async planDue(): Promise<number> {
    await this.#wakeIdle();
    const failed = new Map<number, unknown>();
    let owed = 0;
    for (let more = true; more; ) {
      let at: number | undefined;
      try {
        await this.#options.database.transaction(async (tx) => {
          const [cadence] = await tx.rows<Cadence>(scheduleSql.dueCadence, [
            this.#options.catalogue.names,
            [...failed.keys()],
          ]);
          at = cadence?.cadence_id;
          if (cadence === undefined) more = false;
          else owed += await this.#chunk(tx, cadence);
        });
      } catch (error) {
        if (at === undefined) throw error;
        failed.set(at, error);
      }
    }
    for (const error of failed.values()) throw error;
    return owed;
  }

  /** Makes idle tenants due whose time has come or is near: too early costs a run that finds nothing. */
  async #wakeIdle(): Promise<void> {
    const { catalogue, database } = this.#options;
    const others = catalogue.all
      .filter(({ definition }) => definition.when.wakes !== undefined)
      .map(({ name }) => name);
    for (let woken = WAKE_BATCH; woken === WAKE_BATCH; ) {
      const values = [WAKE_EARLY_MS, WAKE_BATCH, others];
      const [row] = await database.rows<{ woken: number }>(scheduleSql.wakeIdle, values);
      woken = row?.woken ?? 0;
    }
  }

  /** The next chunk of a cadence that is due. @returns runs made owed. */
  async #chunk(tx: Queryable, cadence: Cadence): Promise<number> {
    const { catalogue, chunk, clock } = this.#options;
    const worker = catalogue.get(cadence.worker);
    const schedule = { cron: cadence.cron, timeZone: cadence.time_zone };
    const slots = cadence.planning ?? slotsBetween(schedule, cadence.next_at, clock.now());
    const newest = slots.at(-1);
    if (newest === undefined) {
      // The database's clock is ahead of this machine's: its slot comes when this machine sees it too.
      await tx.rows(scheduleSql.planned, [cadence.cadence_id, nextSlot(schedule, clock.now()), null, null]);
      return 0;
    }
    const [earlier] = await tx.rows<{ open: boolean }>(scheduleSql.earlierOpen, [worker.name, newest]);
    const made = await planChunk(tx, {
      cadenceId: cadence.cadence_id,
      worker,
      slots,
      catchUp: worker.definition.when.catchUp,
      coverOwed: earlier?.open ?? false,
      after: cadence.planned_to ?? BEFORE_ALL,
      limit: Math.max(1, Math.floor(chunk / slots.length)),
    });
    const { planning, to, next } = made.finished
      ? { planning: null, to: null, next: nextSlot(schedule, newest) }
      : { planning: slots, to: made.last, next: cadence.next_at };
    await tx.rows(scheduleSql.planned, [cadence.cadence_id, next, planning, to]);
    this.#tell(cadence.cadence_id, worker.name, newest, made.planned, made.finished);
    return made.planned.owed;
  }

  #tell(cadenceId: number, worker: string, slot: Date, planned: Planned, finished: boolean): void {
    const { clock, events } = this.#options;
    const before = this.#sums.get(cadenceId) ?? { planned: NOTHING_PLANNED, startedMs: clock.monotonicMs() };
    const sum = { ...before, planned: plus(before.planned, planned) };
    this.#sums.set(cadenceId, sum);
    if (!finished) return;
    this.#sums.delete(cadenceId);
    const seconds = (clock.monotonicMs() - sum.startedMs) / 1_000;
    events.emit('cycle.planned', { worker, slot: slot.toISOString(), ...sum.planned, seconds });
  }
}
