/** Counts what is in flight of each admission, so that its row in the ledger can go when nothing of it is. */
export class FlownAdmissions {
  readonly #flying = new Map<string, number>();
  #ended: string[] = [];

  began(flightId: string): void {
    this.#flying.set(flightId, (this.#flying.get(flightId) ?? 0) + 1);
  }

  left(flightId: string): void {
    const flying = (this.#flying.get(flightId) ?? 0) - 1;
    if (flying > 0) {
      this.#flying.set(flightId, flying);
      return;
    }
    this.#flying.delete(flightId);
    this.#ended.push(flightId);
  }

  /** The admissions of which nothing is in flight any more, as far as is known, since this was asked last. */
  takeEnded(): readonly string[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  clear(): void {
    this.#flying.clear();
    this.#ended = [];
  }
}
