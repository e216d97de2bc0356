-- Sent as rae_operator: what `rae up` shows and waits for.

-- statement: workers
-- takes $1 workers text[]: all there are, $2 since when wake runs count timestamptz
-- gives {worker, owed int, running int, done int, dead int, oldest_seconds float8} per worker: runs of cycles, and wake runs since then
-- again safe: reads only
-- locks none
-- index runs_open_idx, runs_wake_age_idx, runs_dead_idx
select n.worker, sum(n.owed)::int as owed, sum(n.running)::int as running, sum(n.done)::int as done, sum(n.dead)::int as dead,
       max(n.oldest_seconds)::float8 as oldest_seconds
  from (
    select unnest($1::text[]) as worker, 0 as owed, 0 as running, 0 as done, 0 as dead, 0 as oldest_seconds
    union all
    select worker, count(*) filter (where state = 'owed') as owed, count(*) filter (where state <> 'owed') as running, 0 as done,
           0 as dead, extract(epoch from clock_timestamp() - min(available_at) filter (where state = 'owed')) as oldest_seconds
      from public.runs where finished_at is null group by worker
    union all
    select worker, 0, 0, sum(done), sum(dead), 0 from public.cycles group by worker
    union all
    select worker, 0, 0, count(*), 0, 0 from public.runs
     where origin = 'wake' and finished_at >= $2::timestamptz and error is null group by worker
    union all
    select worker, 0, 0, 0, count(*), 0 from public.runs
     where worker = any ($1::text[]) and finished_at >= $2::timestamptz and error is not null and origin = 'wake' group by worker) n
 group by n.worker order by n.worker

-- statement: wakes
-- takes $1 workers text[], $2 since when timestamptz
-- gives {worker, owed int, done int, skipped int, dead int, seconds float8, changed jsonb} per worker: the wake runs made since then; seconds = from the
--   first to the last end
-- again safe: reads only
-- locks none
-- index runs_age_idx
with woken as (
  select r.worker, r.state, r.counts, r.created_at, r.finished_at from public.runs r
   where r.origin = 'wake' and r.created_at >= $2::timestamptz and r.worker = any ($1::text[]))
select n.worker, count(w.worker)::int as owed, count(*) filter (where w.state = 'done')::int as done,
       count(*) filter (where w.state = 'skipped')::int as skipped, count(*) filter (where w.state = 'dead')::int as dead,
       coalesce(extract(epoch from max(w.finished_at) - min(w.created_at)), 0)::float8 as seconds,
       coalesce((select jsonb_object_agg(s.key, s.n) from (
         select e.key, sum(e.value::bigint) as n from woken o cross join lateral jsonb_each_text(o.counts) e
          where o.worker = n.worker and o.counts is not null group by e.key) s), '{}') as changed
  from unnest($1::text[]) n (worker) left join woken w on w.worker = n.worker
 group by n.worker order by n.worker

-- statement: atWork
-- takes nothing
-- gives {busy boolean}: something has arrived that no run has seen, or a wake run is owed now or under way
-- again safe: reads only
-- locks none
-- index wakes_since_idx, runs_open_idx
select exists (select from public.due_hints) or exists (select from public.wakes where since is not null)
    or exists (select from public.runs where finished_at is null and origin = 'wake' and available_at <= statement_timestamp()) as busy

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
