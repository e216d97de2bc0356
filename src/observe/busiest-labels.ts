/** How many times the smallest labelled sum a newcomer must have gathered to take its place: else two would change places for ever. */
const TWICE = 2;

/**
 * Labels for the values that count most, a bounded number of them; all others are `other`. A value that has gathered twice
 * what the smallest of them has takes its place.
 */
export class BusiestLabels {
  readonly #most: number;
  readonly #onLeft: (value: string) => void;
  readonly #labelled = new Map<string, number>();
  #others = new Map<string, number>();

  /** @param onLeft told of each value that is `other` from now on */
  constructor(most: number, onLeft: (value: string) => void) {
    this.#most = most;
    this.#onLeft = onLeft;
  }

  /** The label of `value`, to which `amount` is added. */
  of(value: string, amount: number): string {
    const known = this.#labelled.get(value);
    if (known !== undefined || this.#labelled.size < this.#most) {
      this.#labelled.set(value, (known ?? 0) + amount);
      return value;
    }
    const gathered = (this.#others.get(value) ?? 0) + amount;
    const [least, smallest] = [...this.#labelled].reduce((a, b) => (b[1] < a[1] ? b : a));
    if (gathered <= TWICE * smallest) {
      // Bounded as well: who has gathered little is forgotten, and begins anew.
      if (this.#others.size >= 100 * this.#most) this.#others = new Map();
      this.#others.set(value, gathered);
      return 'other';
    }
    this.#labelled.delete(least);
    this.#others.delete(value);
    this.#onLeft(least);
    this.#labelled.set(value, gathered);
    return value;
  }
}
