import { type RuleReading, readRule } from './rule.ts';

/** Rules are read once per text and not once per step: reading one takes longer than asking it about many events. */
export class RuleCache {
  readonly #most: number;
  readonly #read = new Map<string, RuleReading>();

  /** @param most how many rules are kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** What `definition`, a rule as JSON text, says. */
  read(definition: string): RuleReading {
    const known = this.#read.get(definition);
    if (known !== undefined) {
      // To the end of the line: what is used stays.
      this.#read.delete(definition);
      this.#read.set(definition, known);
      return known;
    }
    const reading = readRule(JSON.parse(definition));
    this.#read.set(definition, reading);
    if (this.#read.size > this.#most) this.#read.delete(this.#read.keys().next().value as string);
    return reading;
  }
}
