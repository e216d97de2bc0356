import type { Database, Queryable } from '../db/database.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { nextSlot, slotsBetween } from '../kernel/cron.ts';
import type { Events } from '../observe/events.ts';
import { BEFORE_ALL, planChunk } from './chunk.ts';
import { NOTHING_PLANNED, type Planned, plus } from './planned.ts';
import { scheduleSql } from './sql.ts';

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
  /** Tenants per statement. */
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

  /** Plans every cadence that is due. @returns how many runs became owed. */
  async planDue(): Promise<number> {
    let owed = 0;
    for (;;) {
      const made = await this.#options.database.transaction((tx) => this.#next(tx));
      if (made === undefined) return owed;
      owed += made;
    }
  }

  /** One chunk of one due cadence. @returns runs made owed; undefined when no cadence is due that nobody else plans. */
  async #next(tx: Queryable): Promise<number | undefined> {
    const { catalogue, chunk, clock } = this.#options;
    const [cadence] = await tx.rows<Cadence>(scheduleSql.dueCadence, [catalogue.names, []]);
    if (cadence === undefined) return undefined;
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
      limit: chunk,
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
