/** A run that was admitted and has not left its worker yet, as far as the dispatcher knows. */
export interface FlyingRun {
  readonly runId: string;
  readonly tenantId: string;
  readonly worker: string;
  readonly attempt: number;
  readonly queue: string;
  /** Its tenant's placement epoch. */
  readonly epoch: number;
  readonly state: 'queued' | 'running';
  /** Its tenant's weight, and what it was expected to take when it was admitted, in ms. */
  readonly weight: number;
  readonly estimateMs: number;
  /** This dispatcher picked it; else a predecessor did. */
  readonly charged: boolean;
}

/**
 * What is admitted, queue by queue: bounds how much may wait in Redis at once. The ledger has the truth; this is its
 * picture, corrected at every look.
 */
export class Flight {
  readonly #runs = new Map<string, FlyingRun>();
  readonly #perQueue = new Map<string, number>();

  get size(): number {
    return this.#runs.size;
  }

  /** Queues with admitted work. */
  get queues(): readonly string[] {
    return [...this.#perQueue.keys()];
  }

  get(runId: string): FlyingRun | undefined {
    return this.#runs.get(runId);
  }

  /** Runs whose ticket may still wait in Redis. */
  get queued(): readonly FlyingRun[] {
    return [...this.#runs.values()].filter((run) => run.state === 'queued');
  }

  /** How many runs of the queue are admitted. */
  count(queue: string): number {
    return this.#perQueue.get(queue) ?? 0;
  }

  add(run: FlyingRun): void {
    this.remove(run.runId);
    this.#runs.set(run.runId, run);
    this.#perQueue.set(run.queue, this.count(run.queue) + 1);
  }

  /** @returns what was removed; undefined when it was not known. */
  remove(runId: string): FlyingRun | undefined {
    const run = this.#runs.get(runId);
    if (run === undefined) return undefined;
    this.#runs.delete(runId);
    const left = this.count(run.queue) - 1;
    if (left > 0) this.#perQueue.set(run.queue, left);
    else this.#perQueue.delete(run.queue);
    return run;
  }

  /** Makes this the picture of `runs` and nothing else. */
  replace(runs: readonly FlyingRun[]): void {
    this.#runs.clear();
    this.#perQueue.clear();
    for (const run of runs) this.add(run);
  }
}
