/** What is estimated about a worker before a tenant's runs have been measured. */
interface WorkerMean {
  ms: number;
  measured: number;
}

type Pairs = Map<string, Map<string, number>>;

const LIMIT = 200_000;
const MEMORY = 0.8;
const LATELY = 0.98;
/**
 * What a fifth of the runs stays below: how far one measure from above, or from below, moves it, and where that ends. After so many
 * in a row from one side each moves it by `leap`: after a cycle that did much for every tenant all runs of the next take less.
 */
const TYPICAL = Object.freeze({ up: 0.005, down: 0.02, above: 40, below: 8, leap: 0.1, least: 0.02 });

/** A share that each measure moves a little. */
interface Typical {
  readonly share: number;
  /** How many measures in a row were above it, or below: negative. */
  readonly row: number;
}

/** First runs over which the mean of a worker is taken: enough not to be led by one, few enough to follow a change. */
const MEAN_OVER = 64;

/**
 * What a run of a tenant is expected to cost, in ms of worker time, so that it can be charged when it is picked:
 * the tenant's own last measures (each new one counts a fifth); for a tenant never seen, the mean over the first
 * runs of other tenants, which a flood by one tenant does not move; before any measure, what the worker declares.
 *
 * Holds at most `limit` pairs of tenant and worker (about 60 bytes each); those not measured for longest are
 * forgotten, half of the limit at a time.
 */
export class CostBook {
  readonly #declared: (worker: string) => number;
  readonly #half: number;
  readonly #means = new Map<string, WorkerMean>();
  readonly #lately = new Map<string, number>();
  readonly #typical = new Map<string, Typical>();
  #recent: Pairs = new Map();
  #recentSize = 0;
  #older: Pairs = new Map();
  #olderSize = 0;

  /** @param declared the worker's own first estimate, in ms. */
  constructor(declared: (worker: string) => number, limit: number = LIMIT) {
    this.#declared = declared;
    this.#half = Math.max(1, Math.floor(limit / 2));
  }

  /** Number of remembered pairs; one that was measured again lately may count twice, never beyond the limit. */
  get size(): number {
    return this.#recentSize + this.#olderSize;
  }

  /** What the tenant's next run of the worker is expected to cost, in ms. */
  estimate(tenantId: string, worker: string): number {
    return this.#own(tenantId, worker) ?? this.#means.get(worker)?.ms ?? this.#declared(worker);
  }

  /** A run of the tenant and worker has been measured, and that is remembered. */
  knows(tenantId: string, worker: string): boolean {
    return this.#own(tenantId, worker) !== undefined;
  }

  /** What the worker's runs took lately, in ms; what it declares before any was measured. */
  lately(worker: string): number {
    return this.#lately.get(worker) ?? this.#declared(worker);
  }

  /**
   * What share of its estimate a run of the worker takes where nothing is in its way: a fifth of the runs take less; from 0.02 to 1.
   * Where that is little, most of the time goes to runs that lost their core to others in the middle, on a machine of which too
   * much is asked at once. Not the median, as on such a machine most runs lose it.
   */
  typical(worker: string): number {
    return this.#typical.get(worker)?.share ?? 1;
  }

  /**
   * What a run of the worker that is expected to take `ms` would take with a core to itself, in ms: what a ticket is filled
   * by. Filled by what runs take while others have their core, tickets are the smaller the more is asked of the machine,
   * and many small ones ask more of it.
   */
  aloneMs(worker: string, ms: number): number {
    return ms * this.typical(worker);
  }

  /** A run of the tenant took `ms` of worker time. What is no number from 0 up is not taken. */
  measured(tenantId: string, worker: string, ms: number): void {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) return;
    const { share, row } = this.#typical.get(worker) ?? { share: 1, row: 0 };
    const isAbove = ms > share * this.estimate(tenantId, worker);
    const inRow = isAbove ? Math.max(row, 0) + 1 : Math.min(row, 0) - 1;
    const leaps = isAbove ? inRow > TYPICAL.above : -inRow > TYPICAL.below;
    const moved = isAbove ? 1 + (leaps ? TYPICAL.leap : TYPICAL.up) : 1 - (leaps ? TYPICAL.leap : TYPICAL.down);
    this.#typical.set(worker, { share: Math.min(1, Math.max(TYPICAL.least, share * moved)), row: inRow });
    const lately = this.#lately.get(worker);
    this.#lately.set(worker, lately === undefined ? ms : LATELY * lately + (1 - LATELY) * ms);
    const recent = this.#recent.get(worker);
    const own = recent?.get(tenantId);
    if (own !== undefined) {
      recent?.set(tenantId, MEMORY * own + (1 - MEMORY) * ms);
      return;
    }
    const older = this.#older.get(worker)?.get(tenantId);
    if (older === undefined) this.#first(worker, ms);
    this.#remember(tenantId, worker, older === undefined ? ms : MEMORY * older + (1 - MEMORY) * ms);
  }

  #own(tenantId: string, worker: string): number | undefined {
    return this.#recent.get(worker)?.get(tenantId) ?? this.#older.get(worker)?.get(tenantId);
  }

  #first(worker: string, ms: number): void {
    const mean = this.#means.get(worker) ?? { ms: 0, measured: 0 };
    mean.measured = Math.min(MEAN_OVER, mean.measured + 1);
    mean.ms += (ms - mean.ms) / mean.measured;
    this.#means.set(worker, mean);
  }

  #remember(tenantId: string, worker: string, ms: number): void {
    if (this.#recentSize >= this.#half) {
      // Two generations instead of an order of use: nothing is moved at a measure, and no pair is looked for to go.
      this.#older = this.#recent;
      this.#olderSize = this.#recentSize;
      this.#recent = new Map();
      this.#recentSize = 0;
    }
    let pairs = this.#recent.get(worker);
    if (pairs === undefined) {
      pairs = new Map();
      this.#recent.set(worker, pairs);
    }
    pairs.set(tenantId, ms);
    this.#recentSize += 1;
  }
}
