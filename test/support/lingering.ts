import type { TestDatabase } from './database.ts';

/** A run that a session is in the middle of: steps of it are committed, and the session is within one more. */
export interface RunMidway {
  /** Name of the session's application. */
  readonly session: string;
  readonly run_id: string;
  readonly attempt: number;
  readonly lapses: number;
}

/** What may be made to take longer: steps that change memories, consume events, notes or changes of costs, or making runs. */
export type Lingering =
  | 'update on public.memories'
  | 'delete on public.memories'
  | 'insert on public.runs'
  | 'insert on public.consumed_events'
  | 'delete on public.budget_notes'
  | 'delete on public.cost_deltas';

/**
 * Lets every statement of that kind take so many ms longer, on a machine however fast: a fault that waits for
 * something to be in the middle then finds it there. One kind per database.
 */
export async function lingerIn(database: TestDatabase, what: Lingering, ms: number): Promise<void> {
  await database.admin('create schema lingering');
  await setLingering(database, ms);
  await database.admin(`create trigger linger before ${what} for each statement execute function lingering.linger()`);
}

/** Lets it take as long as it does again. */
export async function endLingering(database: TestDatabase): Promise<void> {
  await setLingering(database, 0);
}

async function setLingering(database: TestDatabase, ms: number): Promise<void> {
  await database.admin(
    `create or replace function lingering.linger() returns trigger language plpgsql as $$
       begin perform pg_catalog.pg_sleep(${ms} / 1000.0); return null; end $$`,
  );
}

/** The runs that lingering sessions are in the middle of just now. */
export async function runsMidway(database: TestDatabase): Promise<readonly RunMidway[]> {
  // A step begins by locking its run, so that the run's row names the transaction.
  return await database.admin<RunMidway>(
    `select a.application_name as session, r.run_id, r.attempt, r.lapses
       from pg_catalog.pg_stat_activity a join public.runs r on r.xmax::text = a.backend_xid::text
      where a.datname = current_database() and a.wait_event = 'PgSleep' and r.state = 'running'`,
  );
}

/** Names of the sessions that linger just now. */
export async function lingeringSessions(database: TestDatabase): Promise<readonly string[]> {
  const rows = await database.admin<{ session: string }>(
    `select application_name as session from pg_catalog.pg_stat_activity
      where datname = current_database() and wait_event = 'PgSleep'`,
  );
  return rows.map(({ session }) => session);
}
