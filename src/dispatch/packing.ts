import type { FlyingRun } from './flight.ts';

/** How runs are put into tickets. */
export interface PackingOptions {
  /** Workers whose runs share tickets; the runs of all others have one each. */
  readonly shared: ReadonlySet<string>;
  /** How many more tickets the processes of a lane can take at once, so that a small load is spread over all of them. */
  readonly free: (lane: string) => number;
  /** What the run would take with a core to itself, in ms. */
  readonly aloneMs: (run: FlyingRun) => number;
}

/** A ticket holds no more than this of expected time, in ms, so that it never makes others wait long, … */
export const TICKET_MS = 20;
/** … nor than this if every run takes all that is expected of it, in ms: the statement that does a ticket may take so long, … */
const MOST_MS = 1_000;
/** … nor more runs than this, … */
const MOST_RUNS = 128;
/** … and is not split below this, in runs or in ms, for the sake of spreading: a round trip costs more than a few small runs. */
const LEAST_RUNS = 4;
const LEAST_MS = 8;

/**
 * Puts admitted runs into tickets, queue by queue, in their order. Runs of one tenant and worker stay in one ticket: two
 * tickets with them would wait for each other's rows.
 */
export function pack(
  runs: readonly FlyingRun[],
  { shared, free, aloneMs }: PackingOptions,
): readonly (readonly FlyingRun[])[] {
  const tickets: FlyingRun[][] = [];
  const perLane = new Map<string, number>();
  for (const { lane } of runs) perLane.set(lane, (perLane.get(lane) ?? 0) + 1);
  for (const inQueue of byKey(runs, ({ queue }) => queue)) {
    const [first] = inQueue;
    if (first === undefined || !shared.has(first.worker)) {
      tickets.push(...inQueue.map((run) => [run]));
      continue;
    }
    const spread = Math.ceil((perLane.get(first.lane) ?? 1) / Math.max(1, free(first.lane)));
    const enough = Math.max(LEAST_RUNS, spread);
    let ticket: FlyingRun[] = [];
    let ms = 0;
    let atWorst = 0;
    for (const group of byKey(inQueue, ({ tenantId }) => tenantId)) {
      const groupMs = group.reduce((sum, run) => sum + aloneMs(run), 0);
      const groupAtWorst = group.reduce((sum, { estimateMs }) => sum + estimateMs, 0);
      const runs = ticket.length + group.length;
      const isLong = ms + groupMs > TICKET_MS || atWorst + groupAtWorst > MOST_MS;
      if (ticket.length > 0 && (isLong || runs > MOST_RUNS || (runs > enough && ms >= LEAST_MS))) {
        tickets.push(ticket);
        [ticket, ms, atWorst] = [[], 0, 0];
      }
      ticket.push(...group);
      ms += groupMs;
      atWorst += groupAtWorst;
    }
    if (ticket.length > 0) tickets.push(ticket);
  }
  return tickets;
}

/** How many runs of one tenant and worker may be admitted together, when one is expected to take `ms`. */
export function mostTogether(ms: number): number {
  return Math.max(1, Math.min(MOST_RUNS, Math.floor(TICKET_MS / Math.max(ms, 0.01))));
}

function byKey(runs: readonly FlyingRun[], keyOf: (run: FlyingRun) => string): Iterable<FlyingRun[]> {
  const groups = new Map<string, FlyingRun[]>();
  for (const run of runs) {
    const key = keyOf(run);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return groups.values();
}
