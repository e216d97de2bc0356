import { setTimeout as pause } from 'node:timers/promises';
import type { Queryable, Row } from '../../db/database.ts';
import type { Statement } from '../../db/statement.ts';
import type { Clock } from '../../kernel/clock.ts';
import { RaeError } from '../../kernel/errors.ts';

/** How long Postgres may be away: it is back seconds after a crash, and is given up when its disk stays full. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 500;

/** Who waits, and who is told. */
export interface Patience {
  readonly clock: Clock;
  readonly say: (line: string) => void;
  /** Ends the waiting. */
  readonly stop: AbortSignal;
}

/**
 * `database` for reading only: where Postgres cannot be reached it is asked again, for half a minute.
 * @throws what it throws then, or at once for any other reason.
 */
export function patient(database: Queryable, { clock, say, stop }: Patience): Queryable {
  return {
    rows: async <R extends Row>(statement: Statement, values?: readonly unknown[]) => {
      const started = clock.monotonicMs();
      for (let tries = 0; ; tries += 1) {
        try {
          const rows = await database.rows<R>(statement, values);
          if (tries > 0) say('Postgres answers again');
          return rows;
        } catch (error) {
          const isAway = error instanceof RaeError && error.code === 'RAE_DATABASE_UNREACHABLE';
          if (!isAway || stop.aborted || clock.monotonicMs() - started > PATIENCE_MS) throw error;
          if (tries === 0) say(`waiting for Postgres: ${error.message}`);
          await pause(AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
        }
      }
    },
  };
}
