import type { SimulatedTenant, Watch } from './simulation.ts';

/** What the others had been picked for when a claim began, and what was allowed since; in virtual ms. */
interface Mark {
  readonly others: Float64Array;
  allowed: number;
}

interface Claimant {
  readonly place: number;
  readonly weight: number;
  /** Since its first pick of an unbroken claim. */
  whole?: Mark | undefined;
  /** Since its latest pick. */
  latest?: Mark | undefined;
  /** Since it came for the first time, until its first pick. */
  arrival?: Mark | undefined;
  claims: boolean;
  known: boolean;
}

/**
 * Holds an order to the starvation bound: while a tenant i has a claim without a break, each other tenant j is picked
 * for at most (w_j / w_i) · (what i is charged) + c_j,max, since i's latest pick and since the first alike; before its
 * first pick, for at most two largest charges of j. Divided by w_j: what j was picked for before a pick must be at
 * most what i was charged, by weight.
 */
export class BoundWatch implements Watch {
  /** The first few times that the bound was exceeded. */
  readonly violations: string[] = [];
  /** How near to the bound it came, 1 being exactly there. */
  nearest = 0;
  readonly #claimants: ReadonlyMap<string, Claimant>;
  /** What each was picked for, less what it got back; in virtual ms. */
  readonly #picked: Float64Array;
  readonly #largest: Float64Array;

  constructor(tenants: readonly SimulatedTenant[]) {
    const claimant = ({ weight }: SimulatedTenant, place: number): Claimant => {
      return { place, weight, claims: false, known: false };
    };
    this.#claimants = new Map(tenants.map((tenant, place) => [tenant.id, claimant(tenant, place)]));
    this.#picked = new Float64Array(tenants.length);
    this.#largest = new Float64Array(tenants.length);
  }

  picked(tenant: string, charged: number): void {
    const picked = this.#of(tenant);
    const { place } = picked;
    const charge = charged / picked.weight;
    this.#largest[place] = Math.max(this.#largest[place] ?? 0, charge);
    for (const [id, other] of this.#claimants) {
      if (other === picked || !other.claims) continue;
      for (const mark of [other.whole, other.latest, other.arrival]) {
        if (mark === undefined) continue;
        const got = (this.#picked[place] ?? 0) - (mark.others[place] ?? 0);
        // A correction may have left it one charge behind V; that is for who comes at V only.
        const allowed = mark === other.arrival ? (this.#largest[place] ?? 0) : mark.allowed;
        this.#compare(got, allowed, () => `${tenant} before ${id}: ${got} where ${allowed} virtual ms are allowed`);
      }
    }
    this.#picked[place] = (this.#picked[place] ?? 0) + charge;
    if (!picked.claims) return;
    picked.arrival = undefined;
    picked.latest = this.#mark(charge);
    if (picked.whole === undefined) picked.whole = this.#mark(charge);
    else picked.whole.allowed += charge;
  }

  settled(tenant: string, charged: number, measured: number): void {
    const claimant = this.#of(tenant);
    const change = (measured - charged) / claimant.weight;
    if (change < 0) this.#picked[claimant.place] = (this.#picked[claimant.place] ?? 0) + change;
    else for (const mark of [claimant.whole, claimant.latest]) if (mark !== undefined) mark.allowed += change;
  }

  claims(tenant: string, claims: boolean): void {
    const claimant = this.#of(tenant);
    claimant.claims = claims;
    claimant.whole = undefined;
    claimant.latest = undefined;
    claimant.arrival = claims && !claimant.known ? this.#mark(0) : undefined;
    claimant.known = true;
  }

  #compare(got: number, allowed: number, says: () => string): void {
    if (allowed > 0) this.nearest = Math.max(this.nearest, got / allowed);
    if (got <= allowed + 1e-6 * (1 + Math.abs(allowed))) return;
    if (this.violations.length < 5) this.violations.push(says());
  }

  #mark(allowed: number): Mark {
    return { others: this.#picked.slice(), allowed };
  }

  #of(tenant: string): Claimant {
    const claimant = this.#claimants.get(tenant);
    if (claimant === undefined) throw new Error(`${tenant} is not watched`);
    return claimant;
  }
}
