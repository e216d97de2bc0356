-- Sent as rae_operator: what `rae up` shows and waits for.

-- statement: workers
-- takes nothing
-- gives {worker, owed int, running int, done int, dead int, oldest_seconds float8} per worker that has work or a cycle
-- again safe: reads only
-- locks none
-- index runs_open_idx
select n.worker, sum(n.owed)::int as owed, sum(n.running)::int as running, sum(n.done)::int as done, sum(n.dead)::int as dead,
       max(n.oldest_seconds)::float8 as oldest_seconds
  from (
    select worker, count(*) filter (where state = 'owed') as owed, count(*) filter (where state <> 'owed') as running, 0 as done,
           0 as dead, extract(epoch from clock_timestamp() - min(available_at) filter (where state = 'owed')) as oldest_seconds
      from public.runs where finished_at is null group by worker
    union all
    select worker, 0, 0, sum(done), sum(dead), 0 from public.cycles group by worker) n
 group by n.worker order by n.worker

-- statement: cycles
-- takes $1 workers text[], $2 slots timestamptz[]
-- gives {worker, slot, total, owed, done, skipped jsonb, dead, changed jsonb, finished boolean, seconds float8} of those cycles
-- again safe: reads only
-- locks none
-- index cycles_pkey
select c.worker, c.slot, c.total, c.owed, c.done, c.skipped, c.dead, c.changed, c.finished_at is not null as finished,
       coalesce(extract(epoch from c.finished_at - c.planned_at), 0)::float8 as seconds
  from public.cycles c join unnest($1::text[], $2::timestamptz[]) n (worker, slot) on n.worker = c.worker and n.slot = c.slot
 order by c.worker, c.slot

-- statement: unenrolled
-- takes $1 workers int: how many there are
-- gives {waiting boolean}: some tenant is not known to every worker yet, or a hint waits
-- again safe: reads only
-- locks none
-- index none
select exists (select from public.tenants t
                where (select count(*) from public.tenant_cadences c where c.tenant_id = t.tenant_id) < $1::int) as waiting

-- statement: tenants
-- takes nothing
-- gives {tenants int}
-- again safe: reads only
-- locks none
-- index tenants_pkey
select count(*)::int as tenants from public.tenants

-- statement: server
-- takes nothing
-- gives {version text} of Postgres, without the packager's addition
-- again safe: reads only
-- locks none
-- index none
select split_part(current_setting('server_version'), ' ', 1) as version
