import type { Queryable } from '../db/database.ts';
import type { Clock } from '../kernel/clock.ts';
import { readLimits } from '../ledger/limit-book.ts';
import { PauseUpkeep } from '../ledger/pause-upkeep.ts';
import { readTimeWindows } from '../ledger/time-window-book.ts';
import type { DispatchLease } from './lease.ts';
import type { Picture } from './picture.ts';
import type { TakenBackRun } from './reconciliation.ts';
import { dispatchSql } from './sql.ts';

/** What the reader of controls works with. */
export interface ControlReaderOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  readonly clock: Clock;
  readonly picture: Picture;
  /** Told of the runs that a pause has taken back. */
  readonly onStopped: (runs: readonly TakenBackRun[]) => void;
}

/** Keeps a picture's `Controls` as operators have set them, and does what they ask for while they hold. */
export class ControlReader {
  readonly #options: ControlReaderOptions;
  readonly #pauses: PauseUpkeep;

  constructor(options: ControlReaderOptions) {
    this.#options = options;
    this.#pauses = new PauseUpkeep(options.database);
  }

  /** Reads all of it, and lets those have turns whom nothing holds any more. */
  async read(): Promise<void> {
    const { database, lease, clock, picture, onStopped } = this.#options;
    // First: what is edited after this is read once more.
    const [row] = await database.rows<{ controls: string }>(dispatchSql.controls, [lease.name]);
    picture.controls.pause(await this.#pauses.active());
    const limits = await readLimits(database);
    picture.controls.hours.set(await readTimeWindows(database), clock.now());
    picture.limits.set(limits, clock.monotonicMs());
    picture.controls.version = Number(row?.controls ?? 0);
    lease.controls = picture.controls.version;
    picture.release(clock.monotonicMs());
    onStopped(picture.controls.arePaused ? await this.#pauses.takeBack() : []);
    await this.#takeBackShut();
  }

  /** Reads what is new, lifts what is over, skips what a pause skips, and takes back what is to be aborted. */
  async follow(): Promise<void> {
    const { lease, picture, clock, onStopped } = this.#options;
    const { controls } = picture;
    if (controls.version !== lease.controls) await this.read();
    if (controls.hours.areSet && controls.hours.follow(clock.now())) {
      picture.release(clock.monotonicMs());
      // Nothing else asks for turns now.
      onStopped([]);
      await this.#takeBackShut();
    }
    if (!controls.arePaused) return;
    if (controls.skips) while (await this.#pauses.skipArrived());
    // Another edit, which is read like any other.
    await this.#pauses.expire();
    onStopped(await this.#pauses.takeBack());
  }
  /** Makes what was admitted of tenants that are shut by now, and has not begun, owed again. */
  async #takeBackShut(): Promise<void> {
    const { database, picture, onStopped } = this.#options;
    const { controls, flight } = picture;
    if (controls.hours.shut.size === 0) return;
    const shut = flight.runs.filter(({ tenantId, worker }) => controls.hours.of(tenantId, worker) !== undefined);
    if (shut.length === 0) return;
    type Row = { tenant_id: string; run_id: string; worker: string };
    const rows = await database.rows<Row>(dispatchSql.takeBackShut, [
      shut.map(({ tenantId }) => tenantId),
      shut.map(({ runId }) => runId),
      shut.map(({ tenantId, worker }) => controls.hours.of(tenantId, worker)?.reason ?? null),
    ]);
    onStopped(rows.map(({ tenant_id: tenantId, run_id: runId, worker }) => ({ tenantId, runId, worker })));
  }
}
