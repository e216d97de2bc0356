import { TAG_FIELD, type TagTable } from './tag-table.ts';

/**
 * Rows of a `TagTable` by smallest tag, among equal tags by smallest turn. A row is in one heap at most and knows its
 * place, so that taking any row out costs O(log n) like taking the first.
 */
export class TagHeap {
  readonly #table: TagTable;
  readonly #number: number;
  #rows: number[] = [];

  /** @param number tells this heap from the others over the same table; not 0. */
  constructor(table: TagTable, number: number) {
    this.#table = table;
    this.#number = number;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** The row with the smallest tag. */
  get first(): number | undefined {
    return this.#rows[0];
  }

  /** Whose row that is. */
  get firstId(): string | undefined {
    return this.first === undefined ? undefined : this.#table.id(this.first);
  }

  has(row: number): boolean {
    return this.#table.get(row, TAG_FIELD.heap) === this.#number;
  }

  insert(row: number): void {
    this.#table.set(row, TAG_FIELD.heap, this.#number);
    this.#rows.push(row);
    this.#rise(row, this.#rows.length - 1);
  }

  delete(row: number): void {
    const place = this.#table.get(row, TAG_FIELD.place);
    this.#table.set(row, TAG_FIELD.heap, 0);
    const last = this.#rows.pop();
    if (last === undefined || last === row) return;
    this.#put(last, place);
    this.moved(last);
  }

  /** The row's tag or turn has changed: finds its new place. */
  moved(row: number): void {
    this.#sink(row, this.#rise(row, this.#table.get(row, TAG_FIELD.place)));
  }

  clear(): void {
    this.#rows = [];
  }

  #rise(row: number, from: number): number {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#at(parent);
      if (!this.#before(row, above)) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(row, place);
    return place;
  }

  #sink(row: number, from: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#rows.length) break;
      if (child + 1 < this.#rows.length && this.#before(this.#at(child + 1), this.#at(child))) child += 1;
      const below = this.#at(child);
      if (!this.#before(below, row)) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(row, place);
  }

  #before(a: number, b: number): boolean {
    const difference = this.#table.get(a, TAG_FIELD.tag) - this.#table.get(b, TAG_FIELD.tag);
    if (difference !== 0) return difference < 0;
    return this.#table.get(a, TAG_FIELD.turn) < this.#table.get(b, TAG_FIELD.turn);
  }

  #at(place: number): number {
    return this.#rows[place] ?? -1;
  }

  #put(row: number, place: number): void {
    this.#rows[place] = row;
    this.#table.set(row, TAG_FIELD.place, place);
  }
}
