import { type Author, enter, FLEET_LOG, OPERATOR } from '../audit/log.ts';
import type { Database } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import type { CataloguedWorker } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { type CronSchedule, latestSlot, slotsBetween } from '../kernel/cron.ts';
import { RaeError } from '../kernel/errors.ts';
import { BEFORE_ALL, planChunk } from './chunk.ts';
import { NOTHING_PLANNED, type Planned, plus } from './planned.ts';
import { scheduleSql } from './sql.ts';

type FollowedCadence = { cadence_id: number; cron: string; time_zone: string };

/** The slots that a command made, oldest first, and the runs in them. */
export interface CommandedCycles {
  readonly slots: readonly string[];
  readonly planned: Planned;
}

/** Runs made per statement at most. */
const CHUNK = 50_000;

/** Makes cycles that an operator asks for. Safe to repeat: a slot that is there already gains nothing. */
export class CycleCommand {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #author: Author;

  /** @param author who asks, as the audit log names them. */
  constructor(database: Database, clock: Clock, author: Author = OPERATOR) {
    this.#database = database;
    this.#clock = clock;
    this.#author = author;
  }

  /**
   * Makes one slot for every tenant that follows a cadence of the worker (or for one tenant).
   * @throws RaeError `RAE_REFUSED` for a slot in the future.
   */
  async run(worker: CataloguedWorker, slot: Date, only?: string): Promise<CommandedCycles> {
    this.#refuseFuture(slot);
    return this.#plan(worker, 'command', only, () => [slot]);
  }

  /** Makes the latest slot of each cadence that was due by `at`. */
  async latest(worker: CataloguedWorker, at: Date): Promise<CommandedCycles> {
    return this.#plan(worker, 'command', undefined, (schedule) => {
      const slot = latestSlot(schedule, at);
      return slot === undefined ? [] : [slot];
    });
  }

  /**
   * Makes every slot from `from` to `to` by each tenant's own cadence. Where the worker coalesces, the newest slot has
   * the run and the older ones are recorded as covered by it.
   * @throws RaeError `RAE_USAGE` for a range that ends before it begins; `RAE_REFUSED` for one that reaches into the
   *   future or holds more than 1,000 slots.
   */
  async backfill(worker: CataloguedWorker, from: Date, to: Date, only?: string): Promise<CommandedCycles> {
    if (from.getTime() > to.getTime()) throw new RaeError('RAE_USAGE', 'from is after to');
    this.#refuseFuture(to);
    return this.#plan(worker, 'backfill', only, (schedule) => {
      const slots = slotsBetween(schedule, from, to, 1_001);
      if (slots.length <= 1_000) return slots;
      throw new RaeError('RAE_REFUSED', `"${schedule.cron}" has more than 1,000 slots in this range`, {
        hint: 'backfill it in shorter ranges, oldest first',
      });
    });
  }

  async #plan(
    worker: CataloguedWorker,
    origin: 'command' | 'backfill',
    only: string | undefined,
    slotsOf: (schedule: CronSchedule) => readonly Date[],
  ): Promise<CommandedCycles> {
    let planned = NOTHING_PLANNED;
    const made = new Set<string>();
    const cadences = await this.#database.rows<FollowedCadence>(scheduleSql.cadencesOf, [worker.name, only ?? null]);
    const wanted = cadences.map((cadence) => ({
      cadenceId: cadence.cadence_id,
      slots: slotsOf({ cron: cadence.cron, timeZone: cadence.time_zone }),
    }));
    await this.#note(
      worker.name,
      origin,
      only,
      wanted.flatMap(({ slots }) => slots),
    );
    for (const { cadenceId, slots } of wanted) {
      if (slots.length === 0) continue;
      for (const slot of slots) {
        await this.#database.rows(scheduleSql.originate, [worker.name, slot, origin]);
        made.add(slot.toISOString());
      }
      const { catchUp } = worker.definition.when;
      const limit = Math.max(1, Math.floor(CHUNK / slots.length));
      for (let after = BEFORE_ALL, finished = false; !finished; ) {
        const request = { cadenceId, worker, slots, catchUp, coverOwed: false, after, limit, only };
        const chunk = await planChunk(this.#database, request);
        planned = plus(planned, chunk.planned);
        ({ last: after, finished } = chunk);
      }
    }
    return { slots: [...made].sort(), planned };
  }

  /** Before the first of it, since each chunk is a transaction of its own. */
  async #note(worker: string, origin: string, only: string | undefined, slots: readonly Date[]): Promise<void> {
    const times = slots.map((slot) => slot.toISOString()).sort();
    const detail = { worker, origin, from: times[0], to: times.at(-1) };
    const entered = enteringTenant(only ?? FLEET_LOG);
    if (times.length > 0)
      await this.#database.transaction((tx) => enter(tx, this.#author, 'cycle.asked', detail), entered);
  }

  #refuseFuture(slot: Date): void {
    // A little ahead is this machine's clock, not a wish.
    if (slot.getTime() > this.#clock.now().getTime() + 5_000) {
      throw new RaeError(
        'RAE_REFUSED',
        `${slot.toISOString()} is in the future: a slot stands for a time that has come`,
      );
    }
  }
}
