-- statement: takeLease
-- takes $1 name text, $2 holder text, $3 time to live ms int
-- gives {epoch bigint, controls bigint} when it is this holder's now; controls = number of the latest edit of what operators control; no row when another holds it
-- again safe: renews
-- locks the lease row
-- index leases_pkey
insert into public.leases as l (name, holder, epoch, expires_at)
values ($1, $2, 1, clock_timestamp() + $3::int * interval '1 millisecond')
on conflict (name) do update set
  epoch = case when l.holder = excluded.holder and l.expires_at > clock_timestamp() then l.epoch else l.epoch + 1 end,
  asleep = l.asleep and l.holder = excluded.holder and l.expires_at > clock_timestamp(),
  holder = excluded.holder,
  expires_at = excluded.expires_at
where l.holder = excluded.holder or l.expires_at <= clock_timestamp()
returning epoch, controls

-- statement: dropLease
-- takes $1 name text, $2 holder text
-- gives nothing; a standby may take it at once
-- again safe
-- locks the lease row
-- index leases_pkey
update public.leases set expires_at = '-infinity', asleep = false where name = $1 and holder = $2

-- statement: controls
-- takes $1 name text
-- gives {controls bigint}: the number of the latest edit of what operators control
-- again safe: reads only
-- locks none
-- index leases_pkey
select controls from public.leases where name = $1

-- statement: sleep
-- takes $1 name text, $2 holder text, $3 epoch bigint, $4 asleep boolean
-- gives nothing; from its commit on new runs notify the holder, or leave notes in arrivals
-- again safe
-- locks the lease row
-- index leases_pkey
update public.leases set asleep = $4 where name = $1 and holder = $2 and epoch = $3

-- statement: admit
-- takes $1 lease text, $2 holder text, $3 epoch bigint, $4 controls bigint, $5 wait ms int, $6 tenants uuid[], $7 workers text[], $8 epochs int[], $9 want int[], $10 lent boolean[]
-- gives {nth int, run_id, attempt int, payload text, flight_id bigint} in the order of nth, see admit_runs
-- again safe
-- locks the admitted rows
-- index runs_open_idx
select nth, run_id, attempt, payload, flight_id from {{admit_runs}}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- statement: admitRated
-- takes $1 lease text, $2 holder text, $3 epoch bigint, $4 controls bigint, $5 wait ms int, $6 tenants uuid[], $7 workers text[], $8 epochs int[], $9 want int[], $10 lent boolean[], $11 which have a rate boolean[]
-- gives what admit gives, see admit_rated
-- again safe
-- locks the limits, the admitted rows
-- index limits_pkey, runs_open_idx
select nth, run_id, attempt, payload, flight_id from {{admit_rated}}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- statement: owedPairs
-- takes $1 after which tenant uuid, $2 after which worker of it text, $3 how many int
-- gives {tenant_id, worker, due boolean, dedicated boolean, quarantined boolean, epoch int, weight float8, cap int} per tenant and worker with runs that have not
--   ended, in that order; due = one of them is owed and may start now
-- again safe: reads only
-- locks none
-- index runs_open_idx: from pair to pair, whatever number of runs each has
with recursive pairs as (
  (select r.tenant_id, r.worker from public.runs r
    where r.finished_at is null and (r.tenant_id, r.worker) > ($1::uuid, $2::text) order by r.tenant_id, r.worker limit 1)
  union all
  select n.tenant_id, n.worker from pairs p cross join lateral (
    select r.tenant_id, r.worker from public.runs r
     where r.finished_at is null and (r.tenant_id, r.worker) > (p.tenant_id, p.worker) order by r.tenant_id, r.worker limit 1) n)
select p.tenant_id, p.worker,
       exists (select from public.runs r where r.tenant_id = p.tenant_id and r.worker = p.worker and r.finished_at is null
                and r.state = 'owed' and r.available_at <= clock_timestamp()) as due,
       coalesce(t.placement = 'dedicated', l.dedicated) as dedicated, coalesce(t.placement = 'quarantine', false) as quarantined, t.placement_epoch as epoch,
       coalesce(t.weight, l.weight)::float8 as weight, coalesce(t.run_cap, l.run_cap) as cap
  from (select tenant_id, worker from pairs limit $3::int) p
  join public.tenants t on t.tenant_id = p.tenant_id join public.plans l on l.plan = t.plan

-- statement: arrived
-- takes nothing
-- gives {tenant_id, worker, dedicated boolean, quarantined boolean, epoch int, weight float8, cap int} per note, the oldest first, and removes them. The tenant 0
--   = of many tenants; worker null = the tenant itself was changed
-- again safe: a note too many is harmless
-- locks the notes
-- index none: the table is emptied as fast as it fills
with taken as (
  delete from public.arrivals returning arrival_id, tenant_id, worker),
noted as (
  select tenant_id, worker, min(arrival_id) as first from taken group by 1, 2)
select n.tenant_id, n.worker, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated, coalesce(t.placement = 'quarantine', false) as quarantined, t.placement_epoch as epoch,
       coalesce(t.weight, p.weight)::float8 as weight, coalesce(t.run_cap, p.run_cap) as cap
  from noted n left join public.tenants t on t.tenant_id = n.tenant_id left join public.plans p on p.plan = t.plan
 order by n.first

-- statement: shares
-- takes $1 tenant ids uuid[]
-- gives {tenant_id, dedicated boolean, quarantined boolean, epoch int, weight float8, cap int}
-- again safe: reads only
-- locks none
-- index tenants_pkey
select t.tenant_id, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated, coalesce(t.placement = 'quarantine', false) as quarantined, t.placement_epoch as epoch,
       coalesce(t.weight, p.weight)::float8 as weight, coalesce(t.run_cap, p.run_cap) as cap
  from public.tenants t join public.plans p on p.plan = t.plan where t.tenant_id = any($1::uuid[])

-- statement: inFlight
-- takes $1 only flights older than ms int
-- gives {flight_id bigint, tenant_id, run_id, worker, state, attempt int, epoch int, payload text, lent boolean} per run that is queued or running, of
--   the flights that have any; those that have none left are removed
-- again safe
-- locks the removed flights
-- index runs_pkey, flights_pkey
with old as materialized (
  select f.flight_id, u.tenant_id, u.run_id from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)
   where f.admitted_at < clock_timestamp() - $1::int * interval '1 millisecond'),
flying as materialized (
  select o.flight_id, r.tenant_id, r.run_id, r.worker, r.state, r.attempt, r.epoch, encode(r.payload_hash, 'hex') as payload, r.lent
    from old o join public.runs r on r.tenant_id = o.tenant_id and r.run_id = o.run_id where r.state in ('queued', 'running')),
ended as (
  delete from public.flights f where f.flight_id in (select flight_id from old except select flight_id from flying))
select flight_id, tenant_id, run_id, worker, state, attempt, epoch, payload, lent from flying

-- statement: dropFlights
-- takes $1 flights bigint[]
-- gives nothing. Should one hold a run that is in flight after all, housekeeping finds that it is in none
-- again safe
-- locks the removed flights
-- index flights_pkey
delete from public.flights f where f.flight_id = any ($1::bigint[])

-- statement: takeBack
-- takes nothing
-- gives {tenant_id, run_id, worker} per run that was queued for a place its tenant has left, and is owed again: its ticket does nothing any more
-- again safe
-- locks the runs' rows; one that a worker holds is passed over, since its claim finds out itself
-- index runs_pkey
with moved as (
  select r.tenant_id, r.run_id from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)
    join public.runs r on r.tenant_id = u.tenant_id and r.run_id = u.run_id
    join public.tenants t on t.tenant_id = r.tenant_id
   where r.state = 'queued' and r.epoch <> t.placement_epoch for update of r skip locked)
update public.runs r set state = 'owed', attempt = r.attempt + 1, reason = 'moved', lease_until = null
  from moved m where r.tenant_id = m.tenant_id and r.run_id = m.run_id returning r.tenant_id, r.run_id, r.worker

-- statement: takeBackShut
-- takes $1 tenants uuid[], $2 runs uuid[], $3 reasons text[]
-- gives {tenant_id, run_id, worker} per run of them that was queued and is owed again: its ticket does nothing any more
-- again safe
-- locks the runs' rows; one that a worker holds is passed over, since it has begun
-- index runs_pkey
with shut as (
  select r.tenant_id, r.run_id, n.reason from unnest($1::uuid[], $2::uuid[], $3::text[]) n (tenant_id, run_id, reason)
    join public.runs r on r.tenant_id = n.tenant_id and r.run_id = n.run_id
   where r.state = 'queued' for update of r skip locked)
update public.runs r set state = 'owed', attempt = r.attempt + 1, reason = s.reason, lease_until = null
  from shut s where r.tenant_id = s.tenant_id and r.run_id = s.run_id returning r.tenant_id, r.run_id, r.worker

-- statement: forgetHolds
-- takes nothing
-- gives nothing: what a dispatcher before has recorded is gone
-- again safe
-- locks the holds
-- index none: all of them
with gone as (
  delete from public.holds)
delete from public.queue_holds

-- statement: hold
-- takes $1 tenants uuid[], $2 workers text[], $3 reasons text[], $4 values int[], $5 bounds int[], $6 since timestamptz[], $7 owners text[], $8 when
--   they clear timestamptz[]
-- gives nothing
-- again safe
-- locks the holds
-- index holds_pkey
insert into public.holds as h (tenant_id, worker, reason, value, bound, since, owner, clears_at)
select n.tenant_id, n.worker, n.reason, n.value, n.bound, n.since, n.owner, n.clears_at
  from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::timestamptz[], $7::text[], $8::timestamptz[])
    n (tenant_id, worker, reason, value, bound, since, owner, clears_at)
on conflict (tenant_id, worker) do update set reason = excluded.reason, value = excluded.value, bound = excluded.bound,
  since = excluded.since, owner = excluded.owner, clears_at = excluded.clears_at

-- statement: unhold
-- takes $1 tenants uuid[], $2 workers text[]
-- gives nothing
-- again safe
-- locks the holds
-- index holds_pkey
delete from public.holds h using unnest($1::uuid[], $2::text[]) n (tenant_id, worker)
 where h.tenant_id = n.tenant_id and h.worker = n.worker

-- statement: holdQueues
-- takes $1 workers text[], $2 queues text[] (* = all of the worker), $3 reasons text[], $4 values int[], $5 bounds int[], $6 since
--   timestamptz[], $7 owners text[], $8 when they clear timestamptz[]: all there are
-- gives nothing
-- again safe
-- locks the holds
-- index queue_holds_pkey
with gone as (
  delete from public.queue_holds h
   where not exists (select from unnest($1::text[], $2::text[]) n (worker, queue) where n.worker = h.worker and n.queue = h.queue))
insert into public.queue_holds as h (worker, queue, reason, value, bound, since, owner, clears_at)
select n.worker, n.queue, n.reason, n.value, n.bound, n.since, n.owner, n.clears_at
  from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::timestamptz[], $7::text[], $8::timestamptz[])
    n (worker, queue, reason, value, bound, since, owner, clears_at)
on conflict (worker, queue) do update set reason = excluded.reason, value = excluded.value, bound = excluded.bound, since = excluded.since,
  owner = excluded.owner, clears_at = excluded.clears_at

-- statement: partitions
-- takes nothing
-- gives {partitions int}; no row until the registry has it
-- again safe: reads only
-- locks none
-- index fleet_settings_pkey
select (value #>> '{}')::int as partitions from public.fleet_settings where name = 'partitions'
