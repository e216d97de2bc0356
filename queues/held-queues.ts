import { createHash } from 'node:crypto';

/** How a process holds queues that come and go. Times in ms. */
export interface HeldQueuesOptions {
  /** Most queues held at once. */
  readonly limit: number;
  /** A queue is kept so long after its last work, as long as nobody else waits for its place. */
  readonly idleMs: number;
  /** A queue in which nothing waited does not make others go for so long, unless it gets work. */
  readonly restMs: number;
  /** A queue that always has work is held so long at least, and then makes room for one that waits. */
  readonly turnMs: number;
  /** Whose order it is: processes that cannot hold all queues begin with different ones. */
  readonly process: string;
}

interface Holding {
  readonly since: number;
  lastWork: number;
  hasWork: boolean;
  /** Nothing waited in it when it was looked at last. */
  isEmpty: boolean;
}

/**
 * Which of the queues with work a process holds, when it may not hold them all. First come, first held; who has no work
 * goes when others wait; when more have work than fit they take turns, so that of n queues with work each is held
 * within ⌈n ÷ limit⌉ + 1 turns.
 */
export class HeldQueues {
  readonly #options: HeldQueuesOptions;
  readonly #held = new Map<string, Holding>();
  /** In which turn each comes that waits. */
  readonly #waiting = new Map<string, number>();
  /** Until when those rest that went as nothing waited in them. What says that they have work may be older than that. */
  readonly #resting = new Map<string, number>();

  constructor(options: HeldQueuesOptions) {
    this.#options = options;
  }

  /** The queues held now. */
  get held(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** How many queues have work and wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Decides anew. A place that a queue lets go is given away by the next decision, when it is no longer `taken`.
   * @param busy the queues that have work now · @param taken places that queues let go earlier still take.
   * @returns the queues to hold.
   */
  decide(busy: ReadonlySet<string>, nowMs: number, taken = 0): readonly string[] {
    const { idleMs, turnMs, limit } = this.#options;
    this.#note(busy, nowMs);
    const resting = [...busy].filter((queue) => this.#resting.has(queue));
    const room = Math.max(0, limit - taken - this.#held.size);
    for (const queue of [...this.#nextInLine(room), ...resting].slice(0, room)) {
      this.#waiting.delete(queue);
      this.#resting.delete(queue);
      this.#held.set(queue, { since: nowMs, lastWork: nowMs, hasWork: true, isEmpty: false });
    }
    const idle = this.#heldFirst(({ hasWork }) => !hasWork);
    const overdue = this.#heldFirst(({ hasWork, since }) => hasWork && nowMs - since >= turnMs);
    const isWaitedFor = () => this.#waiting.size > limit - this.#held.size;
    for (const [queue, { lastWork, isEmpty }] of idle) {
      if (!isWaitedFor() && nowMs - lastWork < idleMs) continue;
      this.#held.delete(queue);
      if (isEmpty) this.#rest(queue, nowMs);
    }
    const leaving: string[] = [];
    for (const [queue] of overdue) {
      if (!isWaitedFor()) break;
      this.#held.delete(queue);
      leaving.push(queue);
    }
    for (const queue of leaving) this.#waiting.set(queue, this.#turn(nowMs) + 1);
    return this.held;
  }

  /** Nothing waits in a queue that is held: it goes, when others wait for its place. @returns whether it went. */
  emptied(queue: string, nowMs: number): boolean {
    const holding = this.#held.get(queue);
    if (holding === undefined) return false;
    holding.isEmpty = true;
    if (this.#waiting.size === 0) return false;
    this.#held.delete(queue);
    this.#rest(queue, nowMs);
    return true;
  }

  /** A queue got work just now, or some of it was taken: if it rests, it waits for its turn again. */
  filled(queue: string): void {
    this.#resting.delete(queue);
    const holding = this.#held.get(queue);
    if (holding !== undefined) holding.isEmpty = false;
  }

  #rest(queue: string, nowMs: number): void {
    this.#resting.set(queue, nowMs + this.#options.restMs);
  }

  #turn(nowMs: number): number {
    return Math.floor(nowMs / this.#options.turnMs);
  }

  #note(busy: ReadonlySet<string>, nowMs: number): void {
    for (const [queue, holding] of this.#held) {
      holding.hasWork = busy.has(queue) && !holding.isEmpty;
      if (busy.has(queue)) holding.lastWork = nowMs;
    }
    for (const queue of this.#waiting.keys()) if (!busy.has(queue)) this.#waiting.delete(queue);
    for (const [queue, until] of this.#resting) if (nowMs >= until) this.#resting.delete(queue);
    for (const queue of busy) {
      if (this.#held.has(queue) || this.#waiting.has(queue) || this.#resting.has(queue)) continue;
      this.#waiting.set(queue, this.#turn(nowMs));
    }
  }

  /** Those held that are `such`, longest without work and then longest held first. */
  #heldFirst(such: (holding: Holding) => boolean): readonly (readonly [string, Holding])[] {
    return [...this.#held]
      .filter(([, holding]) => such(holding))
      .sort(([, a], [, b]) => a.lastWork - b.lastWork || a.since - b.since);
  }

  /** Those that wait: first come first, and who came within one turn in the process's own order. */
  #nextInLine(most: number): readonly string[] {
    if (most === 0) return [];
    const { process } = this.#options;
    const place = (queue: string) => createHash('sha1').update(`${process} ${queue}`).digest('hex');
    return [...this.#waiting]
      .map(([queue, turn]) => ({ queue, turn, place: place(queue) }))
      .sort((a, b) => a.turn - b.turn || (a.place < b.place ? -1 : 1))
      .map(({ queue }) => queue)
      .slice(0, most);
  }
}
