import { systemClock } from '../../src/kernel/clock.ts';
import { type CommandedCycles, CycleCommand } from '../../src/schedule/cycle-command.ts';
import { loadCatalogue } from '../../workers/index.ts';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';
import type { TestProcess } from './processes.ts';
import type { RunRow } from './runs.ts';

/** Runs by worker and state, as one line to read. */
export async function runCounts(database: TestDatabase): Promise<string> {
  const rows = await database.admin<{ says: string }>(
    `select format('%s %s %s%s', count(*), worker, state, coalesce(' (' || reason || ')', '')) as says
       from public.runs group by worker, state, reason order by 1`,
  );
  return rows.map(({ says }) => says).join(', ') || 'no runs';
}

/**
 * Waits until no run is owed or in work, no hint waits to be folded and nothing waits for a run to end. With `worker`, of
 * that one alone: what arrives may wake workers that a test's fleet does not have, and their runs stay owed.
 */
export async function quiet(database: TestDatabase, withinMs = 60_000, worker?: string): Promise<void> {
  let counts = '';
  const look = async () => {
    const [row] = await database.admin<{ busy: boolean }>(
      `select exists (select from public.runs where state in ('owed', 'queued', 'running') and worker = coalesce($1, worker))
           or exists (select from public.due_hints)
           or exists (select from public.wakes where since is not null and worker = coalesce($1, worker)) as busy`,
      [worker],
    );
    if (row?.busy === false) return true;
    counts = await runCounts(database);
    return undefined;
  };
  await eventually(look, { what: 'nothing to be owed or in work', withinMs, seen: () => counts });
}

/** Waits until the tenants follow their cadences. */
export async function enrolled(database: TestDatabase, tenantIds: readonly string[], worker = 'decay'): Promise<void> {
  const look = async () => {
    const [row] = await database.admin<{ known: number }>(
      `select count(*)::int as known from public.tenant_cadences c
        where c.tenant_id = any($1) and c.worker = $2 and c.cadence_id is not null
          and not exists (select from public.due_hints h where h.tenant_id = c.tenant_id)`,
      [tenantIds, worker],
    );
    return row?.known === tenantIds.length ? true : undefined;
  };
  await eventually(look, { what: `${tenantIds.length} tenants to follow a cadence of ${worker}`, withinMs: 30_000 });
}

/** The tenant's runs, oldest slot first. */
export async function runsOf(database: TestDatabase, tenantId: string): Promise<readonly (RunRow & { slot: Date })[]> {
  return await database.admin('select * from public.runs where tenant_id = $1 order by worker, slot', [tenantId]);
}

/** Makes a cadence due at `at`, as if nobody had planned since; gives how many cadences that was. */
export async function makeDue(database: TestDatabase, cron: string, at: Date, worker = 'decay'): Promise<number> {
  const rows = await database.admin(
    'update public.cadences set next_at = $3 where worker = $1 and cron = $2 returning 1',
    [worker, cron, at],
  );
  return rows.length;
}

/** Makes one slot of a worker, as an operator does with `rae cycle run`. */
export async function commandCycle(
  database: TestDatabase,
  slot: Date,
  only?: string,
  worker = 'decay',
): Promise<CommandedCycles> {
  const catalogue = await loadCatalogue();
  return await new CycleCommand(database.open('rae_operator'), systemClock).run(catalogue.get(worker), slot, only);
}

/** Runs that these workers have told as done more than once; they must log at debug. */
export function doneTwice(...workers: readonly TestProcess[]): readonly string[] {
  const done = workers
    .flatMap(({ logs }) => logs)
    .filter(({ event, outcome }) => event === 'run.finished' && outcome === 'done')
    .map(({ run_id }) => String(run_id));
  if (done.length === 0) throw new Error('no run was told as done: do the workers log at debug?');
  return done.filter((id, index) => done.indexOf(id) !== index);
}
