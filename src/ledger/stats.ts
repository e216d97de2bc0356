import type { Queryable } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Demand, ReplicasWanted } from './demand.ts';

const sql = loadStatements(new URL('./stats.sql', import.meta.url), ['stats', 'dead', 'lag', 'unknown']);

/** Figures are no older than this and a count, unless counting takes long. */
const PAUSE_MOST_MS = 15_000;

interface Owed extends Record<string, unknown> {
  readonly worker: string;
  readonly plan: string;
  readonly dedicated: boolean;
  /** Null = eligible. */
  readonly reason: string | null;
  readonly owed: number;
  readonly oldest_seconds: number;
  /** How many tenants have `each` owed runs; null where nothing but a hold has to end for them. */
  readonly tenants: number;
  readonly each: number | null;
  readonly lanes: number;
  readonly rate: number | null;
  readonly burst: number | null;
}

interface Sum {
  readonly worker: string;
  readonly value: number;
}

/** Counts where the ledger stands, once for every watcher: metrics read the event, nobody else counts. */
export class LedgerStats {
  readonly #database: Queryable;
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #wanted: (demand: readonly Demand[]) => readonly ReplicasWanted[];

  /** @param wanted says how many processes what waits would need. */
  constructor(
    database: Queryable,
    events: Events,
    clock: Clock,
    wanted: (demand: readonly Demand[]) => readonly ReplicasWanted[],
  ) {
    this.#database = database;
    this.#events = events;
    this.#clock = clock;
    this.#wanted = wanted;
  }

  /** Counts and tells it as `stats.collected`. @returns the pause before the next count, in ms: it counts a sixtieth of the time, a twentieth where one count is long. */
  async collect(): Promise<number> {
    const started = this.#clock.monotonicMs();
    const owed = await this.#database.rows<Owed>(sql.stats);
    const dead = await this.#database.rows<{ worker: string; dead: number }>(sql.dead);
    const lag = await this.#database.rows<{ worker: string; lag_seconds: number; stale: number }>(sql.lag);
    const [unknown] = await this.#database.rows<{ calls: number }>(sql.unknown);
    this.#events.emit('stats.collected', {
      at: this.#clock.now().getTime() / 1_000,
      owed: summed(owed, kindOf),
      eligible: summed(
        owed.filter(({ reason }) => reason === null),
        kindOf,
      ),
      held: summed(
        owed.filter(({ reason }) => reason !== null),
        ({ reason }) => ({ reason: reason ?? '' }),
      ),
      oldestOwedSeconds: [...new Set(owed.map(({ worker }) => worker))].map((worker) => ({
        worker,
        value: Math.max(...owed.filter((row) => row.worker === worker).map((row) => row.oldest_seconds)),
      })),
      cycleLagSeconds: lag.map((row) => ({ worker: row.worker, value: row.lag_seconds })),
      tenantsStale: lag.map((row) => ({ worker: row.worker, value: row.stale })),
      unknownCalls: unknown?.calls ?? 0,
      replicasWanted: this.#wanted(owed.flatMap(demandOf)),
      dead: dead.map((row) => ({ worker: row.worker, value: row.dead })),
    });
    const tookMs = this.#clock.monotonicMs() - started;
    return Math.max(20 * tookMs, Math.min(PAUSE_MOST_MS, 60 * tookMs));
  }
}

function demandOf({ worker, dedicated, tenants, each, lanes, rate, burst }: Owed): readonly Demand[] {
  return each === null ? [] : [{ worker, dedicated, tenants, runs: each, lanes, rate, burst }];
}

function kindOf({ dedicated }: Owed): { readonly queueKind: string } {
  return { queueKind: dedicated ? 'dedicated' : 'shared' };
}

/** One reading per worker and label, however the rows are divided besides. */
function summed<Label extends object>(rows: readonly Owed[], labelOf: (row: Owed) => Label): readonly (Label & Sum)[] {
  const sums = new Map<string, Label & { worker: string; value: number }>();
  for (const row of rows) {
    const label = labelOf(row);
    const key = JSON.stringify([row.worker, label]);
    const sum = sums.get(key) ?? { ...label, worker: row.worker, value: 0 };
    sum.value += row.owed;
    sums.set(key, sum);
  }
  return [...sums.values()];
}
