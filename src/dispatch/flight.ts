import { FlownAdmissions } from './flown-admissions.ts';

/** A run that was admitted and has not left its worker yet, as far as the dispatcher knows. */
export interface FlyingRun {
  readonly runId: string;
  readonly tenantId: string;
  readonly worker: string;
  /** What its ticket names; with the run it names this admission for ever. */
  readonly attempt: number;
  readonly queue: string;
  /** Where it lies by which processes take its queue. */
  readonly lane: string;
  /** Its tenant's placement epoch. */
  readonly epoch: number;
  /** sha256 of its payload in hex; null = it has none. */
  readonly payload: string | null;
  /** Which admission it belongs to. */
  readonly flightId: string;
  /** Admitted beyond its tenant's cap. */
  readonly lent: boolean;
  /** What it was charged, in ms. */
  readonly estimateMs: number;
  /** This dispatcher picked it; else a predecessor did. */
  readonly charged: boolean;
  /** When, on the monotonic clock, in ms. */
  readonly admittedMs: number;
}

interface Ticket {
  readonly id: string;
  readonly queue: string;
  readonly worker: string;
  lane: string;
  readonly runs: Set<string>;
  readonly sentAtMs: number;
}

interface Entry {
  run: FlyingRun;
  ticket: Ticket | undefined;
}

/**
 * What is admitted: by run, by ticket, by queue, and the lanes of each tenant. A lane is a run of a worker with code, or
 * all runs of one worker whose runs of a tenant go one after another. Only the holder of the lease admits, and what it
 * admits is here before anything else happens; what leaves is taken out when it is known to have left. So this is never
 * less than what the ledger says, which makes caps exact.
 */
export class Flight {
  readonly #isSerial: (worker: string) => boolean;
  readonly #runs = new Map<string, Entry>();
  readonly #queues = new Map<string, number>();
  readonly #workers = new Map<string, number>();
  readonly #tickets = new Map<string, Ticket>();
  readonly #ticketsOf = new Map<string, number>();
  readonly #lanes = new Map<string, number>();
  /** What is in flight by admission. */
  readonly admissions = new FlownAdmissions();
  readonly #ticketsInLane = new Map<string, number>();
  /** Tenant to worker to its runs in flight. */
  readonly #tenants = new Map<string, Map<string, number>>();

  /** @param isSerial whether the runs of one tenant go one after another, in one ticket. */
  constructor(isSerial: (worker: string) => boolean) {
    this.#isSerial = isSerial;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** Queues with admitted work. */
  get queues(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** Every admitted run. */
  get runs(): readonly FlyingRun[] {
    return [...this.#runs.values()].map(({ run }) => run);
  }

  get(runId: string): FlyingRun | undefined {
    return this.#runs.get(runId)?.run;
  }

  /** How many runs of the queue are admitted. */
  inQueue(queue: string): number {
    return this.#queues.get(queue) ?? 0;
  }

  /** How many runs of the worker are admitted. */
  ofWorker(worker: string): number {
    return this.#workers.get(worker) ?? 0;
  }

  /** How many tickets of the worker have not come to their end. */
  ticketsOf(worker: string): number {
    return this.#ticketsOf.get(worker) ?? 0;
  }

  /** How many runs of the lane are admitted. */
  inLane(lane: string): number {
    return this.#lanes.get(lane) ?? 0;
  }

  /** How many tickets of the lane have not come to their end. */
  ticketsInLane(lane: string): number {
    return this.#ticketsInLane.get(lane) ?? 0;
  }

  /** Other processes take the queues: every run lies in the lane that its queue is in now. What it was charged for in another is over. */
  relane(laneOf: (worker: string, queue: string) => string): void {
    this.#lanes.clear();
    this.#ticketsInLane.clear();
    for (const entry of this.#runs.values()) {
      entry.run = { ...entry.run, lane: laneOf(entry.run.worker, entry.run.queue), charged: false };
      change(this.#lanes, entry.run.lane, 1);
    }
    for (const ticket of this.#tickets.values()) {
      ticket.lane = laneOf(ticket.worker, ticket.queue);
      change(this.#ticketsInLane, ticket.lane, 1);
    }
  }

  /** How many runs of the tenant and worker are admitted. */
  ofTenant(tenantId: string, worker: string): number {
    return this.#tenants.get(tenantId)?.get(worker) ?? 0;
  }

  /** How many lanes of the tenant are taken. */
  lanes(tenantId: string): number {
    let lanes = 0;
    for (const [worker, runs] of this.#tenants.get(tenantId) ?? []) lanes += this.#isSerial(worker) ? 1 : runs;
    return lanes;
  }

  add(run: FlyingRun): void {
    this.remove(run.runId);
    this.#runs.set(run.runId, { run, ticket: undefined });
    change(this.#queues, run.queue, 1);
    change(this.#workers, run.worker, 1);
    change(this.#lanes, run.lane, 1);
    this.admissions.began(run.flightId);
    let workers = this.#tenants.get(run.tenantId);
    if (workers === undefined) {
      workers = new Map();
      this.#tenants.set(run.tenantId, workers);
    }
    change(workers, run.worker, 1);
  }

  /** @returns what was removed; undefined when it was not known. */
  remove(runId: string): FlyingRun | undefined {
    const entry = this.#runs.get(runId);
    if (entry === undefined) return undefined;
    const { run } = entry;
    this.#runs.delete(runId);
    this.#leaveTicket(entry);
    change(this.#queues, run.queue, -1);
    change(this.#workers, run.worker, -1);
    change(this.#lanes, run.lane, -1);
    this.admissions.left(run.flightId);
    const workers = this.#tenants.get(run.tenantId);
    if (workers !== undefined) {
      change(workers, run.worker, -1);
      if (workers.size === 0) this.#tenants.delete(run.tenantId);
    }
    return run;
  }

  /** The runs are in this ticket now, and in no other. */
  ticketed(id: string, runs: readonly FlyingRun[], sentAtMs: number): void {
    const [first] = runs;
    if (first === undefined) return;
    const { queue, worker, lane } = first;
    const ticket = { id, queue, worker, lane, runs: new Set<string>(), sentAtMs };
    for (const { runId } of runs) {
      const entry = this.#runs.get(runId);
      if (entry === undefined) continue;
      this.#leaveTicket(entry);
      entry.ticket = ticket;
      ticket.runs.add(runId);
    }
    if (ticket.runs.size === 0) return;
    this.#tickets.set(id, ticket);
    change(this.#ticketsOf, ticket.worker, 1);
    change(this.#ticketsInLane, ticket.lane, 1);
  }

  /** The ticket was not taken: its runs are in none. */
  unticket(id: string): void {
    for (const runId of [...(this.#tickets.get(id)?.runs ?? [])]) {
      const entry = this.#runs.get(runId);
      if (entry !== undefined) this.#leaveTicket(entry);
    }
  }

  /** Tickets of the queue that were sent before then and hold runs in flight. */
  ticketsIn(queue: string, beforeMs: number): readonly string[] {
    const ids: string[] = [];
    for (const ticket of this.#tickets.values()) {
      if (ticket.queue === queue && ticket.sentAtMs <= beforeMs) ids.push(ticket.id);
    }
    return ids;
  }

  /** The runs in flight of a ticket. */
  runsIn(ticketId: string): readonly FlyingRun[] {
    const ids = [...(this.#tickets.get(ticketId)?.runs ?? [])];
    return ids.flatMap((runId) => this.get(runId) ?? []);
  }

  /** Runs in flight that are in no ticket: one that Redis did not take, or a predecessor's. */
  get unticketed(): readonly FlyingRun[] {
    return [...this.#runs.values()].filter(({ ticket }) => ticket === undefined).map(({ run }) => run);
  }

  clear(): void {
    for (const map of [this.#runs, this.#queues, this.#workers, this.#lanes, this.#tickets, this.#tenants]) map.clear();
    for (const map of [this.#ticketsOf, this.#ticketsInLane]) map.clear();
    this.admissions.clear();
  }

  #leaveTicket(entry: Entry): void {
    const { ticket, run } = entry;
    entry.ticket = undefined;
    if (ticket === undefined) return;
    ticket.runs.delete(run.runId);
    if (ticket.runs.size > 0) return;
    this.#tickets.delete(ticket.id);
    change(this.#ticketsOf, ticket.worker, -1);
    change(this.#ticketsInLane, ticket.lane, -1);
  }
}

/** Adds to a count; one that comes to 0 is forgotten. */
function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
