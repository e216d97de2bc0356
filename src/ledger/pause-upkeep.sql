-- Statements over what is paused, sent as rae_scheduler by the leader of a shard, and by operators too. No payload is read.

-- statement: active
-- takes nothing
-- gives the pauses that hold
-- again safe: reads only
-- locks none
-- index pauses_active_idx
select p.tenant_id, p.pause_id, p.worker, p.queue, p.arrivals, p.aborts, p.reason, p.owner, p.created_at, p.expires_at, p.lifted_at, p.lifted_by
  from public.pauses p where p.lifted_at is null

-- statement: takeBack
-- takes nothing
-- gives {tenant_id, run_id, worker, was text} per run that a pause has taken back: was queued or running just now, so that its ticket does
--   nothing any more; or owed, as somebody else has taken it back lately
-- again safe
-- locks the runs' rows; one that a step holds is passed over, since that step will commit or end by itself
-- index runs_pkey: what is admitted stands in flights, which are few
with stopped as (
  select r.tenant_id, r.run_id, r.state from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)
    join public.runs r on r.tenant_id = u.tenant_id and r.run_id = u.run_id
   where r.state in ('queued', 'running')
     and exists (select from public.rae_pauses_of(r.tenant_id, r.worker) p where r.state = 'queued' or p.aborts)
     for update of r skip locked),
taken as (
  update public.runs r set state = 'owed', attempt = r.attempt + 1, reason = 'paused', lease_until = null
    from stopped s where r.tenant_id = s.tenant_id and r.run_id = s.run_id returning r.tenant_id, r.run_id, r.worker, s.state as was)
select tenant_id, run_id, worker, was from taken
union all
select r.tenant_id, r.run_id, r.worker, r.state as was from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)
  join public.runs r on r.tenant_id = u.tenant_id and r.run_id = u.run_id
 where r.state = 'owed' and r.reason = 'paused'

-- statement: running
-- takes nothing
-- gives {runs int}: how many runs that a pause with abort holds run still
-- again safe: reads only
-- locks none
-- index runs_pkey
select count(*)::int as runs from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)
  join public.runs r on r.tenant_id = u.tenant_id and r.run_id = u.run_id
 where r.state = 'running' and exists (select from public.rae_pauses_of(r.tenant_id, r.worker) p where p.aborts)

-- statement: skipArrived
-- takes $1 limit int
-- gives {skipped int}: runs without a slot that became owed during a pause that skips them
-- again safe
-- locks the runs' rows; one that is being admitted is passed over
-- index runs_open_idx for one tenant; else all that has not ended is looked through
with late as (
  select r.tenant_id, r.run_id from public.runs r
   where r.finished_at is null and r.state = 'owed' and r.slot is null
     and r.created_at >= (select min(created_at) from public.pauses where lifted_at is null and arrivals = 'skip')
     and exists (select from public.rae_pauses_of(r.tenant_id, r.worker) p where p.arrivals = 'skip' and r.created_at >= p.created_at)
   limit $1::int for update of r skip locked),
skipped as (
  update public.runs r set state = 'skipped', reason = 'paused', finished_at = clock_timestamp()
    from late l where r.tenant_id = l.tenant_id and r.run_id = l.run_id returning 1)
select count(*)::int as skipped from skipped

-- statement: expire
-- takes nothing
-- gives {pause_id} per pause that is lifted now as its time is over
-- again safe
-- locks the pauses, and the leases where there are any
-- index pauses_active_idx
update public.pauses p set lifted_at = clock_timestamp(), lifted_by = 'its expiry'
 where p.lifted_at is null and p.expires_at <= clock_timestamp() returning p.pause_id
