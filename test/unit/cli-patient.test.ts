import { describe, expect, it } from 'vitest';
import { patient } from '../../src/cli/up/patient.ts';
import type { Queryable, Row } from '../../src/db/database.ts';
import { statement } from '../../src/db/statement.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { type ErrorCode, RaeError } from '../../src/kernel/errors.ts';

const answer = statement('answer', 'select 42 as answer');

/** A database that fails with `errors`, one after the other, before it answers. */
function failing(...errors: ErrorCode[]): Queryable {
  return {
    rows: async <R extends Row>() => {
      const code = errors.shift();
      if (code !== undefined) throw new RaeError(code, 'Connection terminated unexpectedly');
      return [{ answer: 42 } as Row as R];
    },
  };
}

function waiting(stop = new AbortController()) {
  const said: string[] = [];
  return {
    said,
    stop,
    patience: { clock: systemClock, say: (line: string) => void said.push(line), stop: stop.signal },
  };
}

describe('what rae up shows while Postgres is away', () => {
  it('waits for it, and says so once', async () => {
    const { said, patience } = waiting();
    const database = patient(failing('RAE_DATABASE_UNREACHABLE', 'RAE_DATABASE_UNREACHABLE'), patience);
    expect(await database.rows(answer)).toEqual([{ answer: 42 }]);
    expect(said).toEqual(['waiting for Postgres: Connection terminated unexpectedly', 'Postgres answers again']);
  });

  it('waits no longer than the user wants', async () => {
    const { stop, patience } = waiting();
    stop.abort();
    const database = patient(failing('RAE_DATABASE_UNREACHABLE'), patience);
    await expect(database.rows(answer)).rejects.toMatchObject({ code: 'RAE_DATABASE_UNREACHABLE' });
  });

  it('is no excuse for any other error', async () => {
    const { said, patience } = waiting();
    await expect(patient(failing('RAE_DATABASE_REFUSED'), patience).rows(answer)).rejects.toMatchObject({
      code: 'RAE_DATABASE_REFUSED',
    });
    expect(said).toEqual([]);
  });
});
