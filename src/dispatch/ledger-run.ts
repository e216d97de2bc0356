/** A run in flight as the ledger gives it. */
export type LedgerRun = {
  readonly tenant_id: string;
  readonly run_id: string;
  readonly worker: string;
  readonly attempt: number;
  readonly epoch: number;
  /** sha256 of its payload in hex; null = it has none. */
  readonly payload: string | null;
  readonly lent: boolean;
  readonly flight_id: string;
};

/** A run that was queued for a pick. */
export type AdmittedRun = {
  /** Which pick of the admission, from 1. */
  readonly nth: number;
  readonly run_id: string;
  readonly attempt: number;
  /** sha256 of its payload in hex; null = it has none. */
  readonly payload: string | null;
  readonly flight_id: string;
};
