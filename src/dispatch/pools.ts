import { type Takers, takesQueue } from '../../queues/consumers.ts';
import type { Flight } from './flight.ts';

/** What the processes of one worker can do at once. */
export interface Capacity {
  /** Runs of code. */
  readonly slots: number;
  /** Tickets of statements: no more than there are connections. */
  readonly steps: number;
  /** How many processes those are; default 1. */
  readonly processes?: number;
}

/** Lanes whose work can only go to the same processes, and what those can do at once, by which queues they take. */
export interface Scope {
  readonly capacities: readonly Capacity[];
  /** Admitted runs of these lanes, and tickets of them that have not come to their end. */
  readonly runs: (flight: Flight) => number;
  readonly tickets: (flight: Flight) => number;
}

/** A process that is missing is believed in for a moment: Redis may have been emptied, and announcements come each half second. */
const MISSING_MS = 2_000;
/** Of a worker whose processes overlap in more ways only its lanes and the whole are bounded, not what lies between. */
const MOST_SCOPES = 64;

interface Group extends Takers {
  readonly seenMs: number;
}

/**
 * Which processes take which queues of one worker. Queues that the same processes take are one lane: tenants are picked lane by
 * lane, so that work waits in the ledger, and no other work for it, where the processes that take it are busy or there are none.
 */
export class Pools {
  readonly #worker: string;
  #groups: readonly Group[] = [];
  #areSplit = false;
  /** By queue. */
  readonly #lanes = new Map<string, string>();
  /** By lane, which of the groups take it, as a bit each. */
  readonly #masks = new Map<string, bigint>();
  readonly #scopes = new Map<string, readonly Scope[]>();

  constructor(worker: string) {
    this.#worker = worker;
  }

  /** Takes in who has announced itself. @returns whether queues lie in other lanes now. */
  follow(takers: readonly Takers[], nowMs: number): boolean {
    const before = this.#groups;
    const fresh = new Map(takers.map((one) => [one.consumes.text, { ...one, seenMs: nowMs }]));
    for (const group of before)
      if (nowMs - group.seenMs <= MISSING_MS && !fresh.has(group.consumes.text)) fresh.set(group.consumes.text, group);
    this.#groups = [...fresh.values()].sort((a, b) => (a.consumes.text < b.consumes.text ? -1 : 1));
    this.#areSplit = this.#groups.some(({ consumes }) => !consumes.isEverything);
    this.#scopes.clear();
    if (signatureOf(before) === signatureOf(this.#groups)) return false;
    this.#lanes.clear();
    this.#masks.clear();
    return true;
  }

  /** Some process takes some queue of the worker. */
  get areThere(): boolean {
    return this.#groups.length > 0;
  }

  /** Not every process takes every queue. */
  get areSplit(): boolean {
    return this.#areSplit;
  }

  /** The processes of the worker, all together. */
  get whole(): Capacity {
    return {
      slots: this.#groups.reduce((sum, { slots }) => sum + slots, 0),
      steps: this.#groups.reduce((sum, { steps }) => sum + steps, 0),
      processes: this.#groups.reduce((sum, { processes }) => sum + processes, 0),
    };
  }

  /** The lane of a queue of the worker. */
  laneOf(queue: string): string {
    if (!this.areSplit) return this.#worker;
    const known = this.#lanes.get(queue);
    if (known !== undefined) return known;
    let mask = 0n;
    const names: string[] = [];
    for (const [nth, { consumes }] of this.#groups.entries()) {
      if (!takesQueue(consumes, queue)) continue;
      mask |= 1n << BigInt(nth);
      names.push(consumes.text);
    }
    const lane = names.length === this.#groups.length ? this.#worker : `${this.#worker} ${names.join(' ')}`;
    this.#lanes.set(queue, lane);
    if (!this.#masks.has(lane)) {
      this.#masks.set(lane, mask);
      this.#scopes.clear();
    }
    return lane;
  }

  /** Whether any process takes what lies in the lane. */
  isTaken(lane: string): boolean {
    return this.areThere && this.#masks.get(lane) !== 0n;
  }

  /** What the processes that take the lane can do at once; of none, those of the worker. */
  capacities(lane?: string): readonly Capacity[] {
    const mask = lane === undefined ? undefined : this.#masks.get(lane);
    return mask === undefined ? this.#groups : this.#taking(mask);
  }

  /**
   * All that bounds a lane: of every set of lanes that it belongs to no more may be admitted than the processes can do
   * that take any of them.
   */
  scopes(lane: string): readonly Scope[] {
    let scopes = this.#scopes.get(lane);
    if (scopes === undefined) {
      scopes = this.#scopesOf(lane);
      this.#scopes.set(lane, scopes);
    }
    return scopes;
  }

  #scopesOf(lane: string): readonly Scope[] {
    const worker = this.#worker;
    const whole = {
      capacities: this.#groups,
      runs: (flight: Flight) => flight.ofWorker(worker),
      tickets: (flight: Flight) => flight.ticketsOf(worker),
    };
    const mask = this.#masks.get(lane);
    const all = (1n << BigInt(this.#groups.length)) - 1n;
    if (!this.areSplit || mask === undefined || mask === all) return [whole];
    const sets = this.#unions(mask).filter((set) => set !== all);
    return [
      whole,
      ...sets.map((set) => {
        const lanes = [...this.#masks].filter(([, one]) => one !== 0n && (one & ~set) === 0n).map(([name]) => name);
        const sum = (of: (name: string) => number) => lanes.reduce((total, name) => total + of(name), 0);
        return {
          capacities: this.#taking(set),
          runs: (flight: Flight) => sum((name) => flight.inLane(name)),
          tickets: (flight: Flight) => sum((name) => flight.ticketsInLane(name)),
        };
      }),
    ];
  }

  /** The processes that take the lane, and they with those of any other lanes. */
  #unions(mask: bigint): readonly bigint[] {
    let sets = new Set([mask]);
    for (const other of this.#masks.values()) {
      const more = new Set([...sets].flatMap((set) => [set, set | other]));
      if (more.size > MOST_SCOPES) break;
      sets = more;
    }
    return [...sets];
  }

  #taking(mask: bigint): readonly Group[] {
    return this.#groups.filter((_group, nth) => (mask & (1n << BigInt(nth))) !== 0n);
  }
}

/** Empty as long as whoever is there takes everything. */
function signatureOf(groups: readonly Group[]): string {
  const isWhole = groups.every(({ consumes }) => consumes.isEverything);
  return isWhole ? '' : groups.map(({ consumes }) => consumes.text).join(' ');
}
