import type { Queryable } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import type { DispatchLease } from './lease.ts';
import type { LedgerRun } from './picture.ts';
import type { ShareBook } from './share.ts';
import { dispatchSql } from './sql.ts';
import type { Pick } from './turns.ts';

/** What admissions are made with. */
export interface AdmissionOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  readonly shares: ShareBook;
  /** A queued run that nobody claimed for so long is taken back, in ms. */
  readonly waitMs: number;
}

const LEASE_GONE = 'RA001';

/** Makes owed runs queued, many in one statement and transaction, and only under the lease. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Queues the oldest owed runs of each pick, as many as it says or as there are, in the order of the picks.
   * Undefined = the lease is another's: nothing was admitted, and the lease knows.
   */
  async admit(picks: readonly Pick[]): Promise<readonly LedgerRun[] | undefined> {
    const { database, lease, shares, waitMs } = this.#options;
    const place = new Map(picks.map(({ tenantId, worker }, index) => [`${tenantId} ${worker}`, index]));
    const placeOf = (run: LedgerRun) => place.get(`${run.tenant_id} ${run.worker}`) ?? 0;
    const values = [
      lease.name,
      lease.holder,
      lease.epoch,
      waitMs,
      picks.map(({ tenantId }) => tenantId),
      picks.map(({ worker }) => worker),
      picks.map(({ tenantId }) => shares.get(tenantId)?.epoch ?? 0),
      picks.map(({ count }) => count),
      picks.map(({ lent }) => lent),
    ];
    try {
      const admitted = await database.rows<LedgerRun>(dispatchSql.admit, values);
      return admitted.sort((a, b) => placeOf(a) - placeOf(b));
    } catch (error) {
      if (sqlStateOf(error) !== LEASE_GONE) throw error;
      lease.lost();
      return undefined;
    }
  }
}
