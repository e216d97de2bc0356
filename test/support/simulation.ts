import type { FairOrder } from '../../src/dispatch/fair-order.ts';

/** What a simulation needs of an order; `FairOrder` and the wrong orders that tests must refuse. */
export type Order = Pick<
  FairOrder,
  'add' | 'remove' | 'park' | 'unpark' | 'peek' | 'smallestParked' | 'next' | 'settle' | 'refund'
>;

/** A tenant of a simulation. */
export interface SimulatedTenant {
  readonly id: string;
  readonly weight: number;
  /** Runs at once; without, as many as there are slots. */
  readonly cap?: number;
}

/** Runs that become owed at one instant. */
export interface Arrival {
  readonly atMs: number;
  readonly tenant: string;
  /** What each run will really take. */
  readonly costs: readonly number[];
}

/** Told what happens, in order; every member is optional. */
export interface Watch {
  picked?(tenant: string, charged: number, nowMs: number): void;
  settled?(tenant: string, charged: number, measured: number, nowMs: number): void;
  /** Backlogged and unparked from now on, or no longer. */
  claims?(tenant: string, claims: boolean): void;
}

interface State {
  readonly tenant: SimulatedTenant;
  readonly owed: number[];
  head: number;
  running: number;
  parked: boolean;
}

interface Running {
  readonly state: State;
  readonly charged: number;
  readonly cost: number;
  readonly endsMs: number;
  /** Picked before the takeover: not settled in the order of another dispatcher. */
  foreign?: boolean;
}

/** How a simulation is set up. */
export interface SimulationOptions {
  readonly order: Order;
  readonly slots: number;
  readonly tenants: readonly SimulatedTenant[];
  readonly estimate: (tenant: string, cost: number) => number;
  readonly watches?: readonly Watch[];
  /** A tenant is taken out as soon as it owes nothing, instead of when a pick finds nothing. */
  readonly eager?: boolean;
  /** Lends idle slots to tenants at their cap. */
  readonly lending?: boolean;
}

/** A fleet of `slots` on a simulated clock: who is picked runs to its end on the next free slot. */
export class Simulation {
  nowMs = 0;
  picks = 0;
  /** Times at which a slot stayed free although a tenant with owed runs was not at its cap. */
  idled = 0;
  /** Ms of work that was picked, by tenant. */
  readonly work = new Map<string, number>();
  readonly #options: SimulationOptions;
  #order: Order;
  readonly #states: ReadonlyMap<string, State>;
  #arrivals: Arrival[] = [];
  #running: Running[] = [];

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#order = options.order;
    const state = (tenant: SimulatedTenant): State => {
      return { tenant, owed: [], head: 0, running: 0, parked: false };
    };
    this.#states = new Map(options.tenants.map((tenant) => [tenant.id, state(tenant)]));
  }

  /** Ms until the last of what runs now has ended. */
  get residualMs(): number {
    return Math.max(0, ...this.#running.map((run) => run.endsMs - this.nowMs));
  }

  arrive(arrivals: readonly Arrival[]): this {
    this.#arrivals = [...this.#arrivals, ...arrivals].sort((a, b) => b.atMs - a.atMs);
    return this;
  }

  /** Another dispatcher goes on with a new order: it knows what is owed and what runs, and nothing of before. */
  takeOver(order: Order): this {
    this.#order = order;
    for (const run of this.#running) run.foreign = true;
    for (const state of this.#states.values()) {
      state.parked = false;
      if (this.#isOwed(state)) order.add(state.tenant.id, state.tenant.weight);
    }
    return this;
  }

  /** Goes on until nothing is left, `picks` more were made, or `until` says so. */
  go(picks = Number.POSITIVE_INFINITY, until: () => boolean = () => false): this {
    const last = this.picks + picks;
    for (;;) {
      while (this.picks < last && this.#running.length < this.#options.slots) {
        if (until() || !this.#pick()) break;
      }
      if (this.picks >= last || until() || !this.#wait()) return this;
    }
  }

  #tell(told: (watch: Watch) => void): void {
    for (const watch of this.#options.watches ?? []) told(watch);
  }

  #pick(): boolean {
    const { estimate } = this.#options;
    const order = this.#order;
    const id = order.peek() ?? this.#lent();
    if (id === undefined) {
      const unserved = [...this.#states.values()].some((state) => this.#isOwed(state) && this.#hasRoom(state));
      if (unserved) this.idled += 1;
      return false;
    }
    const state = this.#state(id);
    if (!this.#hasRoom(state) && !state.parked) {
      this.#park(state);
      return true;
    }
    const cost = state.owed[state.head];
    const charged = estimate(id, cost ?? 1);
    if (order.next(charged) !== id) throw new Error('next is not who was shown by peek');
    if (cost === undefined) {
      order.refund(id, charged);
      this.#leave(state);
      return true;
    }
    state.head += 1;
    state.running += 1;
    this.picks += 1;
    this.work.set(id, (this.work.get(id) ?? 0) + cost);
    this.#running.push({ state, charged, cost, endsMs: this.nowMs + cost });
    this.#tell((watch) => watch.picked?.(id, charged, this.nowMs));
    if (state.parked) order.park(id);
    if (!this.#isOwed(state)) {
      this.#tell((watch) => watch.claims?.(id, false));
      if (this.#options.eager) this.#leave(state);
    }
    return true;
  }

  /** To the next end of a run or arrival. */
  #wait(): boolean {
    const ends = this.#running.reduce((least, run) => Math.min(least, run.endsMs), Number.POSITIVE_INFINITY);
    const comes = this.#arrivals.at(-1)?.atMs ?? Number.POSITIVE_INFINITY;
    if (Math.min(ends, comes) === Number.POSITIVE_INFINITY) return false;
    this.nowMs = Math.max(this.nowMs, Math.min(ends, comes));
    if (comes <= ends) {
      // All that come at one instant are there before the next pick.
      while (this.#arrivals.at(-1)?.atMs === comes) {
        const arrival = this.#arrivals.pop();
        if (arrival !== undefined) this.#arrived(arrival);
      }
      return true;
    }
    const place = this.#running.findIndex((run) => run.endsMs === ends);
    for (const run of this.#running.splice(place, 1)) this.#ended(run);
    return true;
  }

  #arrived({ tenant, costs }: Arrival): void {
    const state = this.#state(tenant);
    const claimed = this.#isOwed(state);
    for (const cost of costs) state.owed.push(cost);
    this.#order.add(tenant, state.tenant.weight);
    if (!claimed && !state.parked) this.#tell((watch) => watch.claims?.(tenant, true));
  }

  #ended({ state, charged, cost, foreign }: Running): void {
    const { id } = state.tenant;
    state.running -= 1;
    if (!foreign) this.#order.settle(id, charged, cost);
    this.#tell((watch) => watch.settled?.(id, charged, cost, this.nowMs));
    if (!state.parked || !this.#hasRoom(state)) return;
    this.#order.unpark(id);
    state.parked = false;
    if (this.#isOwed(state)) this.#tell((watch) => watch.claims?.(id, true));
  }

  #lent(): string | undefined {
    if (!this.#options.lending) return undefined;
    const id = this.#order.smallestParked();
    if (id !== undefined) this.#order.unpark(id);
    return id;
  }

  #park(state: State): void {
    this.#order.park(state.tenant.id);
    state.parked = true;
    this.#tell((watch) => watch.claims?.(state.tenant.id, false));
  }

  #leave(state: State): void {
    this.#order.remove(state.tenant.id);
    state.parked = false;
  }

  #isOwed(state: State): boolean {
    return state.head < state.owed.length;
  }

  #hasRoom(state: State): boolean {
    return state.running < (state.tenant.cap ?? this.#options.slots);
  }

  #state(id: string): State {
    const state = this.#states.get(id);
    if (state === undefined) throw new Error(`no tenant ${id} was simulated`);
    return state;
  }
}
