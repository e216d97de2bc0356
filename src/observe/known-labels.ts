/**
 * The values one label may take. Every new value is a new series for ever, in every process, so what is not known, or
 * comes after `most` values, is counted as `other`.
 */
export class KnownLabels {
  readonly #values: Set<string>;
  readonly #most: number;

  /** @param most how many values there may be in all; by default no more than `known`. */
  constructor(known: Iterable<string>, most = 0) {
    this.#values = new Set(known);
    this.#most = most;
  }

  /** Those that are told apart so far. */
  get values(): readonly string[] {
    return [...this.#values];
  }

  of(value: string): string {
    if (this.#values.has(value)) return value;
    if (this.#values.size >= this.#most) return 'other';
    this.#values.add(value);
    return value;
  }
}
