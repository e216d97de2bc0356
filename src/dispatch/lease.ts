import type { Queryable } from '../db/database.ts';
import type { Clock } from '../kernel/clock.ts';
import { dispatchSql } from './sql.ts';

/** How long the lease lasts without a renewal: with a try each 500 ms a standby takes over within 2 s. */
export const LEASE_MS = 1_400;

/**
 * The right to dispatch for a shard: one row, held by one process at a time, under an epoch that grows with every
 * change of holder. Every admission checks the row again in its own transaction, so that a holder that was frozen and
 * wakes up late admits nothing.
 */
export class DispatchLease {
  readonly name: string;
  readonly holder: string;
  readonly #database: Queryable;
  readonly #clock: Clock;
  /** Number of the latest edit of what operators control, as far as is known. */
  controls = 0;
  #epoch = 0;
  #until = Number.NEGATIVE_INFINITY;

  constructor(database: Queryable, clock: Clock, shard: string, holder: string) {
    this.name = `dispatch:${shard}`;
    this.holder = holder;
    this.#database = database;
    this.#clock = clock;
  }

  /** The epoch of the present holding. */
  get epoch(): number {
    return this.#epoch;
  }

  /** True while this process may believe that it holds the lease, by its own clock from before the last renewal was sent. */
  get held(): boolean {
    return this.#clock.monotonicMs() < this.#until;
  }

  /** Takes or renews the lease. @returns whether it is held now. */
  async renew(): Promise<boolean> {
    const asked = this.#clock.monotonicMs();
    const [row] = await this.#database.rows<{ epoch: string; controls: string }>(dispatchSql.takeLease, [
      this.name,
      this.holder,
      LEASE_MS,
    ]);
    if (row === undefined) {
      this.#until = Number.NEGATIVE_INFINITY;
      return false;
    }
    this.#epoch = Number(row.epoch);
    this.controls = Number(row.controls);
    this.#until = asked + LEASE_MS;
    return true;
  }

  /** Says whether new runs should notify this holder, which they do with NOTIFY on `rae_owed`. */
  async sleep(asleep: boolean): Promise<void> {
    await this.#database.rows(dispatchSql.sleep, [this.name, this.holder, this.#epoch, asleep]);
  }

  /** What operators control was edited: the number that is known is old. */
  outdated(): void {
    this.controls = -1;
  }

  /** Forgets that it is held: another has it. */
  lost(): void {
    this.#until = Number.NEGATIVE_INFINITY;
  }

  /** Gives the lease up, so that a standby need not wait for it to run out. */
  async release(): Promise<void> {
    if (!this.held) return;
    this.#until = Number.NEGATIVE_INFINITY;
    await this.#database.rows(dispatchSql.dropLease, [this.name, this.holder]);
  }
}
