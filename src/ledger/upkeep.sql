-- Statements of the scheduler over the ledger of all tenants. They read and write no payload.

-- statement: rescue
-- takes $1 limit int, $2 most lapses int, $3 how long ago a run must have been admitted at least, in ms int: no lease runs out sooner
-- gives {was text, tenant_id, run_id, worker, dead boolean} per run taken back
-- again safe: finds only leases that have run out
-- locks the runs' rows; one that a step still holds is skipped, since that step will commit or end by itself
-- index runs_pkey: what is admitted stands in flights, which are few
with lapsed as (
  select r.tenant_id, r.run_id, r.state from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)
    join public.runs r on r.tenant_id = u.tenant_id and r.run_id = u.run_id
   where f.admitted_at < clock_timestamp() - $3::int * interval '1 millisecond'
     and r.state in ('queued', 'running') and r.lease_until < clock_timestamp()
   limit $1::int for update of r skip locked)
update public.runs r set
       state = case when l.state = 'running' and r.lapses + 1 >= $2 then 'dead' else 'owed' end,
       -- Its claim has raised it; without one the ticket would still fit when the run is admitted again.
       attempt = r.attempt + case when l.state = 'queued' then 1 else 0 end,
       lapses = r.lapses + case when l.state = 'running' then 1 else 0 end,
       reason = case when l.state = 'running' then 'lease_lapsed' else r.reason end,
       error = case when l.state = 'running' and r.lapses + 1 >= $2 then 'the lease ran out ' || (r.lapses + 1) || ' times' else r.error end,
       finished_at = case when l.state = 'running' and r.lapses + 1 >= $2 then clock_timestamp() end,
       available_at = case when l.state = 'running'
                           then clock_timestamp() + least(60, power(2, least(r.lapses, 6)) - 1) * interval '1 second'
                           else r.available_at end,
       lease_until = null
  from lapsed l where r.tenant_id = l.tenant_id and r.run_id = l.run_id
returning l.state as was, r.tenant_id, r.run_id, r.worker, r.state = 'dead' as dead

-- statement: skipLate
-- takes $1 limit int
-- gives {tenant_id, run_id, worker, was text} per run that has not begun by its deadline: it is skipped, and a ticket of it does nothing
-- again safe
-- locks the runs' rows; one that is being admitted or claimed is passed over, and looked at again
-- index runs_deadline_idx
with late as (
  select r.tenant_id, r.run_id, r.state from public.runs r
   where r.finished_at is null and r.deadline is not null and r.deadline <= clock_timestamp()
     and r.state in ('owed', 'queued') and r.started_at is null and r.failures = 0
   limit $1::int for update of r skip locked)
update public.runs r set state = 'skipped', reason = 'deadline', finished_at = clock_timestamp(), lease_until = null,
       attempt = r.attempt + case when l.state = 'queued' then 1 else 0 end
  from late l where r.tenant_id = l.tenant_id and r.run_id = l.run_id
returning r.tenant_id, r.run_id, r.worker, l.state as was

-- statement: findStrays
-- takes $1 limit int
-- gives {flight_id bigint} when runs were found that are admitted and in no flight, so that nothing would ever rescue them: they are in one now
-- again safe
-- locks the new flight
-- index none: looks at every run that has not ended; rare
insert into public.flights (tenants, runs)
select array_agg(s.tenant_id), array_agg(s.run_id) from (
  select r.tenant_id, r.run_id from public.runs r
   where r.finished_at is null and r.state in ('queued', 'running') and r.lease_until < clock_timestamp() - interval '10 seconds'
     and not exists (select from public.flights f where r.run_id = any(f.runs))
   limit $1::int) s
having count(*) > 0
returning flight_id

-- statement: sweepRuns
-- takes $1 limit int
-- gives {swept int}
-- again safe: removes only what is past its plan's time; raises the watermark in the same statement, so that no swept slot is planned again
-- locks the removed rows and their tenants' cadence rows
-- index runs_age_idx
with old as (
  select r.tenant_id, r.run_id, r.worker, r.slot
    from public.runs r join public.tenants t on t.tenant_id = r.tenant_id join public.plans p on p.plan = t.plan
   where r.created_at < now() - (select min(ledger_days) from public.plans) * interval '1 day'
     and r.finished_at < now() - case when r.state = 'dead' then greatest(p.ledger_days, 365) else p.ledger_days end * interval '1 day'
     and r.state in ('done', 'skipped', 'dead')
   limit $1::int for update of r skip locked),
marked as (
  update public.tenant_cadences c set watermark = greatest(c.watermark, o.slot)
    from (select tenant_id, worker, max(slot) as slot from old where slot is not null group by tenant_id, worker) o
   where c.tenant_id = o.tenant_id and c.worker = o.worker),
gone as (
  delete from public.runs r using old o where r.tenant_id = o.tenant_id and r.run_id = o.run_id returning 1)
select count(*)::int as swept from gone

-- statement: sweepWakes
-- takes $1 hours int, $2 limit int
-- gives {swept int}: wake runs that ended well
-- again safe
-- locks the removed rows
-- index runs_wake_age_idx
with gone as (
  delete from public.runs r
   where r.ctid = any (array(
     select o.ctid from public.runs o
      where o.origin = 'wake' and o.finished_at < now() - $1::int * interval '1 hour' and o.error is null
        and o.state in ('done', 'skipped') limit $2::int))
  returning 1)
select count(*)::int as swept from gone

-- statement: sweepEvents
-- takes $1 limit int
-- gives {swept int}: events past their plan's time, whether consumed or not
-- again safe
-- locks the removed rows
-- index events_age_idx, events_pkey
with old as (
  select e.tenant_id, e.event_id from public.events e
    join public.tenants t on t.tenant_id = e.tenant_id join public.plans p on p.plan = t.plan
   where e.created_at < now() - (select min(ledger_days) from public.plans) * interval '1 day'
     and e.created_at < now() - p.ledger_days * interval '1 day' limit $1::int),
gone as (
  delete from public.events e using old o where e.tenant_id = o.tenant_id and e.event_id = o.event_id returning 1)
select count(*)::int as swept from gone

-- statement: sweepKeys
-- takes $1 hours int, $2 limit int
-- gives {swept int}
-- again safe
-- locks the removed rows
-- index enqueue_keys_age_idx
with gone as (
  delete from public.enqueue_keys k
   where k.ctid = any (array(
     select o.ctid from public.enqueue_keys o where o.created_at < now() - $1::int * interval '1 hour' limit $2::int))
  returning 1)
select count(*)::int as swept from gone

-- statement: sweepRequests
-- takes $1 hours int, $2 limit int
-- gives {swept int}
-- again safe
-- locks the removed rows
-- index api_requests_age_idx
with gone as (
  delete from public.api_requests a
   where a.made_at <= (
     select max(o.made_at) from (
       select made_at from public.api_requests where made_at < now() - $1::int * interval '1 hour' order by made_at limit $2::int) o)
  returning 1)
select count(*)::int as swept from gone

-- statement: sweepCycles
-- takes $1 days int
-- gives {swept int}
-- again safe
-- locks the removed rows
-- index cycles_pkey
with gone as (
  delete from public.cycles where finished_at < now() - $1::int * interval '1 day' returning 1)
select count(*)::int as swept from gone
