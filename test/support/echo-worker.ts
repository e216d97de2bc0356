import type { WorkerFolder } from './checkout-copy.ts';
import type { TestDatabase } from './database.ts';

const contract = `import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';

export const echo = workerContract({
  name: 'echo',
  does: 'Writes down every event once, and how far the tenant has come.',
  policy: z.strictObject({ enabled: z.boolean().default(true) }),
  payload: z.strictObject({}),
  settings: z.strictObject({ step_ms: z.int().min(0).default(0) }),
});
`;

const code = `import { done, sqlBeside, worker } from '../../src/fleet/worker.ts';
import { echo } from './contract.ts';

const sql = sqlBeside(import.meta.url, ['hear', 'linger']);

export default worker({
  contract: echo,
  when: {
    catchUp: 'skip',
    listens: [],
    wakes: { on: ['event'], afterMs: 0 },
    servesSuspended: false,
    estimateMs: 5,
  },
  sql,
  async perform(run) {
    return run.step(async (tx) => {
      const heard = await tx.rows(sql.statements.hear, [run.tenantId]);
      // What arrives from here on this run has not seen.
      await tx.rows(sql.statements.linger, [run.settings.step_ms]);
      return done({ heard: heard.length });
    });
  },
});
`;

const statements = `-- statement: hear
-- takes $1 tenant uuid
-- gives {event_id} per event that was not written down before
-- again safe
-- locks the new rows
-- index events_pkey
insert into public.echoes (tenant_id, event_id)
select e.tenant_id, e.event_id from public.events e
 where e.tenant_id = $1 and not exists (select from public.echoes o where o.tenant_id = $1 and o.event_id = e.event_id)
returning event_id

-- statement: linger
-- takes $1 for how long ms int
-- gives nothing
-- again safe
-- locks none
-- index none
select pg_catalog.pg_sleep($1::int / 1000.0)
`;

/** A worker without a cadence, woken by events: an event that it misses or sees twice shows in \`echoes\`. */
export const ECHO: WorkerFolder = { 'contract.ts': contract, 'worker.ts': code, 'statements.sql': statements };

/** The table that the worker writes to. It takes an event twice, so that a second time is seen. */
export async function makeEchoes(database: TestDatabase): Promise<void> {
  await database.admin(
    `create table public.echoes (tenant_id uuid not null, echo_id bigint generated always as identity, event_id uuid not null,
       primary key (tenant_id, echo_id));
     create index echoes_event_idx on public.echoes (tenant_id, event_id);
     alter table public.echoes owner to rae_owner;
     call public.rae_guard_table('public.echoes', false);
     grant select, insert on public.echoes to rae_worker`,
  );
}

/** What is wrong with what was heard of these tenants: every event must have been written down once. */
export async function echoesAmiss(database: TestDatabase, tenantIds: readonly string[]): Promise<readonly string[]> {
  const rows = await database.admin<{ says: string }>(
    `select format('event %s of %s was heard %s times', e.event_id, e.tenant_id, count(o.echo_id)) as says
       from public.events e left join public.echoes o on o.tenant_id = e.tenant_id and o.event_id = e.event_id
      where e.tenant_id = any($1) group by e.tenant_id, e.event_id having count(o.echo_id) <> 1 limit 20`,
    [tenantIds],
  );
  return rows.map(({ says }) => says);
}
