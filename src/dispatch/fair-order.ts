import { chargeOf, MOST_MS, weightOf } from './charge.ts';
import { TagHeap } from './tag-heap.ts';
import { TAG_FIELD, TagTable } from './tag-table.ts';

/**
 * Which tenant runs next: weighted start-time fair queueing over tenants. Each tenant has a tag, the virtual time at
 * which its next run starts; the smallest goes first and moves on by cost / weight. V is the start of the latest pick.
 * Costs are ms of worker time: the estimate is charged at the pick, the difference to what was measured when it is
 * known.
 *
 * **Starvation bound.** Between two picks of a tenant i that stays in the order and unparked, any other tenant j is
 * picked for at most `(w_j / w_i) · c_i + c_j,max`, where c_i is what i was charged since (its pick and upward
 * corrections), c_j,max the largest charge of j, and what j gets back in between does not count. A tenant that comes
 * or is unparked waits for at most one charge of each other, two where the last estimate of that one was too high (docs/decisions/0006).
 *
 * O(log n) a call, about 120 bytes a tenant, all in memory. Every pick is to be settled or refunded exactly once. A new
 * dispatcher starts with equal tags: that forgives each tenant its lead, one largest charge where estimates were right.
 */
export class FairOrder {
  readonly #tags = new TagTable();
  readonly #ready = new TagHeap(this.#tags, 1);
  readonly #parked = new TagHeap(this.#tags, 2);
  /** Nothing owed, but ahead of V: forgotten when V has caught up: leaving and coming back gains nothing. */
  readonly #ahead = new TagHeap(this.#tags, 3);
  /** What they were picked for last is still out: they claim their place, but cannot be served. */
  readonly #barred = new TagHeap(this.#tags, 4);
  /** Held by what no idle capacity lets them pass. */
  readonly #shelved = new TagHeap(this.#tags, 5);
  readonly #heaps = [this.#ready, this.#parked, this.#ahead, this.#barred, this.#shelved];
  #virtual = 0;
  #turn = 0;
  #unsettled = 0;

  /** Tenants that have, or may have, owed work; the parked, barred and shelved ones too. */
  get size(): number {
    return this.#ready.size + this.#parked.size + this.#barred.size + this.#shelved.size;
  }

  /** Those that take memory: also who left but is ahead of V or has unsettled picks. */
  get remembered(): number {
    return this.#tags.size;
  }

  /** Who they are. */
  *tenants(): Generator<string> {
    for (const row of this.#tags.rows()) if (this.#has(row)) yield this.#tags.id(row);
  }

  /**
   * The tenant has, or may have, owed work. It starts at V, or where it left off if that is further; one that is
   * already there keeps its place. A changed weight holds from the next charge or correction on.
   * @param weight its share against others, 0.001 to 1,000,000.
   * @throws RaeError `RAE_INTERNAL` for any other weight.
   */
  add(tenantId: string, weight: number): void {
    const row = this.#known(tenantId, weight);
    if (this.#has(row)) return;
    this.#tags.set(row, TAG_FIELD.turn, ++this.#turn);
    this.#enter(row);
  }

  /** The tenant has nothing owed now. Its place is remembered while it is ahead of others; that it was parked is not. */
  remove(tenantId: string): void {
    const row = this.#tags.find(tenantId);
    if (row === undefined || !this.#has(row)) return;
    this.#heapOf(row)?.delete(row);
    this.#leave(row);
    this.#rest();
  }

  /** The tenant may have no more runs at present: it is passed over until it is unparked. */
  park(tenantId: string): void {
    this.#setAside(tenantId, this.#parked);
  }

  /** The tenant cannot be served until what it was picked for has come back, and then goes on from its place; see `overtakes`. */
  bar(tenantId: string): void {
    this.#setAside(tenantId, this.#barred);
  }

  /** The tenant may have nothing at all, idle capacity neither: it is passed over until it is unparked. */
  shelve(tenantId: string): void {
    this.#setAside(tenantId, this.#shelved);
  }

  /** The next pick would go before a barred tenant that is further behind: only idle capacity should be used for that. */
  get overtakes(): boolean {
    const [next, barred] = [this.#ready.first, this.#barred.first];
    if (next === undefined || barred === undefined) return false;
    return this.#tags.get(barred, TAG_FIELD.tag) < this.#tags.get(next, TAG_FIELD.tag);
  }

  /**
   * A parked, barred or shelved tenant is in its place again; at V if that has gone past it: what a cap withheld is not made up for.
   * @param behindMs it may stay behind V by so much worker time, which then goes before others, beyond the bound: for
   * one that was passed over while what it had been picked for was out.
   */
  unpark(tenantId: string, behindMs = 0): void {
    const row = this.#tags.find(tenantId);
    if (row === undefined || !this.#has(row) || this.#ready.has(row)) return;
    this.#heapOf(row)?.delete(row);
    this.#enter(row, behindMs);
  }

  /** Who is next; undefined only when nobody is there who is not parked. Among equals, who has waited longest. */
  peek(): string | undefined {
    return this.#ready.firstId;
  }

  /** The parked tenant that is furthest behind: who gets idle capacity, by `unpark`, `next` and `park` again. */
  smallestParked(): string | undefined {
    return this.#parked.firstId;
  }

  /**
   * Picks the tenant of `peek` for one run, or one bundle of runs, and charges it; it stays in the order.
   * @param cost the estimate in ms of worker time; below `LEAST_COST_MS` counts as that.
   * @throws RaeError `RAE_INTERNAL` when the cost is no number from 0 to 2^40.
   */
  next(cost: number): string | undefined {
    const charge = chargeOf(cost);
    const row = this.#ready.first;
    if (row === undefined) return undefined;
    this.#virtual = Math.max(this.#virtual, this.#tags.get(row, TAG_FIELD.tag));
    this.#charge(row, charge);
    this.#tags.set(row, TAG_FIELD.turn, ++this.#turn);
    this.#ready.moved(row);
    this.#forgetPassed();
    this.#rebase();
    return this.#tags.id(row);
  }

  /** Picks that found nothing to run: what `next` charged for each, `cost`, is given back. */
  refund(tenantId: string, cost: number, picks = 1): void {
    for (let pick = 0; pick < picks; pick += 1) this.#correct(tenantId, chargeOf(cost), 0, 1);
  }

  /**
   * A picked run has ended: charges what it took more than estimated, or gives back what it took less, wherever the
   * tenant is now. Nothing for a tenant that is not known.
   * @param estimated what `next` charged for it.
   * @param measured ms of worker time, of all its attempt.
   */
  settle(tenantId: string, estimated: number, measured: number): void {
    this.#correct(tenantId, chargeOf(estimated), chargeOf(measured), 1);
  }

  /** The tenant was picked elsewhere, or what it was charged there was corrected: so it goes on, or back, here if it is known. */
  shift(tenantId: string, charged: number, due: number): void {
    this.#correct(tenantId, charged, due, 0);
  }

  /** Forgets everything. */
  clear(): void {
    for (const heap of this.#heaps) heap.clear();
    this.#tags.clear();
    this.#virtual = 0;
    this.#turn = 0;
    this.#unsettled = 0;
  }

  #setAside(tenantId: string, heap: TagHeap): void {
    const row = this.#tags.find(tenantId);
    if (row === undefined || !this.#ready.has(row)) return;
    this.#ready.delete(row);
    heap.insert(row);
  }

  #known(tenantId: string, weight: number): number {
    const checked = weightOf(weight);
    const known = this.#tags.find(tenantId);
    const row = known ?? this.#tags.take(tenantId);
    if (known === undefined) this.#tags.set(row, TAG_FIELD.tag, this.#virtual);
    this.#tags.set(row, TAG_FIELD.weight, checked);
    return row;
  }

  #charge(row: number, charge: number): void {
    this.#tags.add(row, TAG_FIELD.tag, charge / this.#tags.get(row, TAG_FIELD.weight));
    this.#tags.add(row, TAG_FIELD.unsettled, 1);
    this.#unsettled += 1;
  }

  #correct(tenantId: string, charged: number, due: number, settled: 0 | 1): void {
    const row = this.#tags.find(tenantId);
    if (row === undefined) return;
    const ended = Math.min(settled, this.#tags.get(row, TAG_FIELD.unsettled));
    this.#tags.add(row, TAG_FIELD.unsettled, -ended);
    this.#unsettled -= ended;
    const weight = this.#tags.get(row, TAG_FIELD.weight);
    const tag = this.#tags.get(row, TAG_FIELD.tag);
    // Never further behind V than by the charge that is corrected: a flood of runs that were all expected to be long
    // has moved V far ahead, and giving all of it back would let that flood pass before whoever comes at V.
    const lowest = Math.min(tag, this.#virtual - charged / weight);
    this.#tags.set(row, TAG_FIELD.tag, Math.max(lowest, tag + (due - charged) / weight));
    this.#replace(row);
    this.#rest();
  }

  #enter(row: number, behindMs = 0): void {
    if (this.#ahead.has(row)) this.#ahead.delete(row);
    const least = this.#virtual - behindMs / this.#tags.get(row, TAG_FIELD.weight);
    this.#tags.set(row, TAG_FIELD.tag, Math.max(least, this.#tags.get(row, TAG_FIELD.tag)));
    this.#ready.insert(row);
  }

  /** The row's tag has changed. */
  #replace(row: number): void {
    if (this.#ahead.has(row)) this.#ahead.delete(row);
    if (this.#has(row)) this.#heapOf(row)?.moved(row);
    else this.#leave(row);
  }

  #leave(row: number): void {
    if (this.#tags.get(row, TAG_FIELD.tag) > this.#virtual) this.#ahead.insert(row);
    else if (this.#tags.get(row, TAG_FIELD.unsettled) === 0) this.#tags.release(row);
  }

  #forgetPassed(): void {
    for (let row = this.#ahead.first; row !== undefined; row = this.#ahead.first) {
      if (this.#tags.get(row, TAG_FIELD.tag) > this.#virtual) return;
      this.#ahead.delete(row);
      this.#leave(row);
    }
  }

  /** Nobody waits and nothing runs: nobody is ahead of anybody. */
  #rest(): void {
    if (this.size === 0 && this.#unsettled === 0) this.clear();
  }

  /**
   * Counts from 0 again long before a float cannot tell two neighbouring tags apart (at 2^40 still to 0.3 µs). The same
   * is taken from every tag, so that the heaps stay as they are.
   */
  #rebase(): void {
    const back = this.#virtual;
    if (back < MOST_MS) return;
    for (const row of this.#tags.rows()) this.#tags.add(row, TAG_FIELD.tag, -back);
    this.#virtual = 0;
  }

  #has(row: number): boolean {
    return this.#heapOf(row) !== undefined && !this.#ahead.has(row);
  }

  #heapOf(row: number): TagHeap | undefined {
    return this.#heaps[this.#tags.get(row, TAG_FIELD.heap) - 1];
  }
}
