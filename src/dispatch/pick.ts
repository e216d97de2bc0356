import type { HoldReason } from '../ledger/hold-reason.ts';

/** Runs of one tenant and worker to admit. */
export interface Pick {
  readonly tenantId: string;
  readonly worker: string;
  /** In which lane of the worker. */
  readonly lane: string;
  count: number;
  /** What each was charged, in ms. */
  readonly cost: number;
  /** Beyond its tenant's cap. */
  readonly lent: boolean;
}

/** What may be picked in one lane now. */
export interface TurnRequest {
  /** Most runs. */
  readonly runs: number;
  /** Most of the time that is expected with a core for each, in ms, but for the first pick. */
  readonly ms: number;
  /** How many of the lane's places nobody uses; only these are lent, and only these go to who would overtake another. */
  readonly idle: number;
  /** How many of the idle places are lent to runs expected to be short only. */
  readonly reserve: number;
  /** Why nothing (more) of the tenant may be admitted, given how many of its runs are picked; undefined = it may. */
  readonly held: (tenantId: string, picked: number) => HoldReason | undefined;
  /** Told of each pick as it is made, so that `held` knows of all of them. */
  readonly onPick: (tenantId: string, picked: number) => void;
}

/** A pick, and where its tickets go: a tenant that moves before they are made has them refused by the claim. */
export interface PlacedPick extends Pick {
  readonly queue: string;
  /** The tenant's placement epoch. */
  readonly epoch: number;
  /** The tenant has a rate of the worker. */
  readonly rated: boolean;
}
