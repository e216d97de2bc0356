import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import type { DispatchLease } from './lease.ts';
import type { AdmittedRun } from './ledger-run.ts';
import type { PlacedPick } from './pick.ts';
import { dispatchSql } from './sql.ts';

/** What admissions are made with. */
export interface AdmissionOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  /** A queued run that nobody claimed for so long is taken back, in ms. */
  readonly waitMs: number;
}

const LEASE_GONE = 'RA001';
const CONTROLS_EDITED = 'RA002';

/** Makes owed runs queued, many in one statement and transaction, and only under the lease. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Queues the oldest owed runs of each pick, as many as it says or as there are, in the order of the picks.
   * Undefined = the lease is another's, or operators have edited what the picks rest on: nothing was admitted, and the lease knows.
   * @param controls number of the edit that they rest on.
   */
  async admit(picks: readonly PlacedPick[], controls: number): Promise<readonly AdmittedRun[] | undefined> {
    const { database, lease, waitMs } = this.#options;
    const values = [
      lease.name,
      lease.holder,
      lease.epoch,
      controls,
      waitMs,
      arrayLiteral(picks.map(({ tenantId }) => tenantId)),
      picks.map(({ worker }) => worker),
      arrayLiteral(picks.map(({ epoch }) => epoch)),
      arrayLiteral(picks.map(({ count }) => count)),
      picks.map(({ lent }) => lent),
    ];
    const areRated = picks.some(({ rated }) => rated);
    try {
      if (!areRated) return await database.rows<AdmittedRun>(dispatchSql.admit, values);
      return await database.rows<AdmittedRun>(dispatchSql.admitRated, [...values, picks.map(({ rated }) => rated)]);
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === LEASE_GONE) lease.lost();
      else if (state === CONTROLS_EDITED) lease.outdated();
      else throw error;
      return undefined;
    }
  }
}
