import type { Arrivals, Backlog, OwedPair } from './backlog.ts';
import type { Picture } from './picture.ts';
import type { ShareRow } from './share.ts';

/** What an intake is made of. */
export interface IntakeOptions {
  readonly backlog: Backlog;
  readonly picture: Picture;
  /** Takes back what is queued for a place that its tenant has left. */
  readonly takeBackMoved: () => Promise<void>;
  /** Told that somebody may have a turn now. */
  readonly onMore: () => void;
  /** Whether to go on. */
  readonly goesOn: () => boolean;
}

/** Up to so many tenants are remembered, however long ago they had work. */
const SHARES_KEPT = 10_000;

/** Takes into the picture who has owed work: by looks through the whole ledger, and as it arrives. */
export class Intake {
  readonly #options: IntakeOptions;
  #sweeping: Promise<boolean> | undefined;
  #again = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Looks through the whole ledger for who waits. What is found begins together, so that whoever stands on an early page
   * gains nothing. Calls meanwhile are folded into one more look.
   * @returns whether anybody waits of whom that was not known.
   */
  async sweep(): Promise<boolean> {
    if (this.#sweeping !== undefined) this.#again = true;
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return await this.#sweeping;
  }

  /** Takes in what arrived. */
  async arrived({ pairs, changed }: Arrivals, nowMs: number): Promise<void> {
    await this.#learn([...changed, ...pairs]);
    for (const { tenant_id: tenantId } of changed) this.#options.picture.turns.release(tenantId, nowMs);
    this.#add(pairs);
  }

  async #sweep(): Promise<boolean> {
    const { backlog, picture, goesOn } = this.#options;
    let news = false;
    do {
      this.#again = false;
      const found: OwedPair[] = [];
      picture.shares.age();
      for await (const page of backlog.pages()) {
        await this.#learn(page);
        for (const pair of page) if (pair.due) found.push(pair);
        if (!goesOn()) return news;
      }
      const known = picture.turns.size;
      this.#add(found);
      news ||= picture.turns.size > known;
      // Whoever has anything in the ledger that is not ended was heard of just now, or is in flight.
      const inFlight = picture.flight.runs.map(({ tenantId }) => tenantId);
      if (picture.shares.size > SHARES_KEPT) picture.shares.keep(new Set(inFlight));
    } while (this.#again);
    return news;
  }

  #add(pairs: readonly OwedPair[]): void {
    const { picture, onMore } = this.#options;
    for (const { tenant_id: tenantId, worker } of pairs) picture.add(tenantId, worker);
    if (pairs.length > 0) onMore();
  }

  /** Takes in shares. Who has moved has its queued runs taken back first, so that they keep their order. */
  async #learn(rows: readonly ShareRow[]): Promise<void> {
    const { picture } = this.#options;
    let moved = false;
    for (const row of rows) {
      if (!picture.shares.set(row)) continue;
      moved = true;
      picture.moved(row.tenant_id);
    }
    if (moved) await this.#options.takeBackMoved();
  }
}
