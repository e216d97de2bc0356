/** What was heard of a tenant's runs in some time. */
export interface Heard {
  /** Worker time, in ms. */
  ms: number;
  /** Runs that left their worker. */
  left: number;
  /** Of those and besides: given up, or lapsed with their process. */
  failed: number;
}

/** Parts that a time is counted in. */
const PARTS = 10;

interface Part {
  readonly from: number;
  readonly tenants: Map<string, Heard>;
}

/** How much worker time tenants held lately, and how many of their runs failed, as the dispatcher heard of it. */
export class Noise {
  #parts: Part[] = [];
  #beganMs = Number.NaN;
  #partMs = 0;
  #keepMs = 0;

  /** Counts from now on what is asked for, in ms at least; the longest is kept. Nothing is kept for none. */
  keep(shortestMs: number, longestMs: number, nowMs: number): void {
    const partMs = Math.max(100, shortestMs / PARTS);
    if (partMs === this.#partMs && longestMs === this.#keepMs) return;
    this.#parts = [];
    this.#partMs = partMs;
    this.#keepMs = longestMs;
    this.#beganMs = nowMs;
  }

  /** It counts. */
  get isKept(): boolean {
    return !Number.isNaN(this.#beganMs);
  }

  /** Since when, in ms. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** A run has left its worker after so long. */
  left(tenantId: string, ms: number, nowMs: number): void {
    if (!this.isKept) return;
    const heard = this.#of(tenantId, nowMs);
    heard.ms += ms;
    heard.left += 1;
  }

  /** Runs of the tenant failed. */
  failed(tenantId: string, runs: number, nowMs: number): void {
    if (this.isKept) this.#of(tenantId, nowMs).failed += runs;
  }

  /** What was heard within the last `ms`, to a tenth of the shortest time that is kept. */
  within(ms: number, nowMs: number): ReadonlyMap<string, Readonly<Heard>> {
    const sums = new Map<string, Heard>();
    for (const { from, tenants } of this.#parts) {
      if (from + this.#partMs <= nowMs - ms) continue;
      for (const [tenantId, heard] of tenants) {
        const sum = sums.get(tenantId) ?? { ms: 0, left: 0, failed: 0 };
        sums.set(tenantId, sum);
        sum.ms += heard.ms;
        sum.left += heard.left;
        sum.failed += heard.failed;
      }
    }
    return sums;
  }

  /** Counts no more, until it is told to. */
  forget(): void {
    this.#parts = [];
    this.#partMs = 0;
    this.#beganMs = Number.NaN;
  }

  #of(tenantId: string, nowMs: number): Heard {
    let part = this.#parts.at(-1);
    if (part === undefined || nowMs - part.from >= this.#partMs) {
      part = { from: nowMs, tenants: new Map() };
      this.#parts = [...this.#parts.filter(({ from }) => from + this.#partMs > nowMs - this.#keepMs), part];
    }
    let heard = part.tenants.get(tenantId);
    if (heard === undefined) {
      heard = { ms: 0, left: 0, failed: 0 };
      part.tenants.set(tenantId, heard);
    }
    return heard;
  }
}
