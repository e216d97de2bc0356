import type { Aggregate } from './rule.ts';
import { SECOND } from './rule-event.ts';

/** One event that met a rule's conditions, whether the rule fired or was held back. */
export interface Match {
  readonly number: number;
  readonly at: number;
  /** What the aggregate's field held, if that was a number. */
  readonly value: number | null;
}

/** When a rule fired. */
export interface Firing {
  readonly number: number;
  readonly at: number;
}

/** How many matches of a window are looked at: the newest. */
export const MOST_MATCHES = 10_000;

/** What a rule remembers of the events before: enough for its window, its cooldown and its hour. */
export class RuleHistory {
  /** In the order of consumption. */
  readonly #matches: Match[] = [];
  readonly #firings: Firing[] = [];
  #lastFiredAt: number | undefined;

  /** In the order of consumption. */
  static of(matches: Iterable<Match>, firings: Iterable<Firing>): RuleHistory {
    const history = new RuleHistory();
    for (const match of matches) history.matched(match);
    for (const { number, at } of firings) history.fired(number, at);
    return history;
  }

  matched(match: Match): void {
    this.#matches.push(match);
    // Twice the limit, so that the list is not moved with every match.
    if (this.#matches.length > 2 * MOST_MATCHES) this.#matches.splice(0, MOST_MATCHES);
  }

  fired(number: number, at: number): void {
    this.#firings.push({ number, at });
    if (this.#firings.length > 2 * MOST_MATCHES) this.#firings.splice(0, MOST_MATCHES);
    if (this.#lastFiredAt === undefined || at > this.#lastFiredAt) this.#lastFiredAt = at;
  }

  /** What the aggregate is over the matches in (at - seconds, at]; null where there is nothing to take it of. */
  aggregate(by: Aggregate, at: number, seconds: number): number | null {
    const after = by.reset_on_fire ? (this.#firings.at(-1)?.number ?? 0) : 0;
    const from = at - seconds * SECOND;
    let count = 0;
    let sum = 0;
    let numbers = 0;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let index = Math.max(0, this.#matches.length - MOST_MATCHES); index < this.#matches.length; index += 1) {
      const match = this.#matches[index] as Match;
      if (match.at <= from || match.at > at || match.number <= after) continue;
      count += 1;
      if (match.value === null) continue;
      numbers += 1;
      sum += match.value;
      low = Math.min(low, match.value);
      high = Math.max(high, match.value);
    }
    if (by.function === 'count') return count;
    if (numbers === 0) return null;
    switch (by.function) {
      case 'sum':
        return sum;
      case 'avg':
        return sum / numbers;
      case 'min':
        return low;
      case 'max':
        return high;
    }
  }

  /** When it last fired, by the time of events; undefined = never. */
  get lastFiredAt(): number | undefined {
    return this.#lastFiredAt;
  }

  /** How often it fired after `from`. */
  firedAfter(from: number): number {
    let count = 0;
    for (const { at } of this.#firings) if (at > from) count += 1;
    return count;
  }
}
