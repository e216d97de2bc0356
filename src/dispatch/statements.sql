-- statement: takeLease
-- takes $1 name text, $2 holder text, $3 time to live ms int
-- gives {epoch bigint} when it is this holder's now; no row when another holds it
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
returning epoch

-- statement: dropLease
-- takes $1 name text, $2 holder text
-- gives nothing; a standby may take it at once
-- again safe
-- locks the lease row
-- index leases_pkey
update public.leases set expires_at = '-infinity', asleep = false where name = $1 and holder = $2

-- statement: sleep
-- takes $1 name text, $2 holder text, $3 epoch bigint, $4 asleep boolean
-- gives nothing; from its commit on new runs notify the holder, or do not
-- again safe
-- locks the lease row
-- index leases_pkey
update public.leases set asleep = $4 where name = $1 and holder = $2 and epoch = $3

-- statement: admit
-- takes $1 lease text, $2 holder text, $3 epoch bigint, $4 tenants uuid[], $5 room text[], $6 want int[], $7 serial workers text[], $8 wait ms int
-- gives {tenant_id, run_id, worker, attempt int, slot}
-- again safe
-- locks the admitted rows
-- index runs_owed_idx, runs_flight_idx
select tenant_id, run_id, worker, attempt, slot from {{admit_runs}}($1, $2, $3, $4, $5, $6, $7, $8)

-- statement: owedTenants
-- takes nothing
-- gives {tenant_id, weight float8} per tenant with an owed run that may start now, the longest waiting first
-- again safe: reads only
-- locks none
-- index runs_owed_idx
select o.tenant_id, p.weight::float8 as weight from (
  select tenant_id, min(available_at) as since from public.runs
   where state = 'owed' and available_at <= clock_timestamp() group by tenant_id) o
  join public.tenants t on t.tenant_id = o.tenant_id join public.plans p on p.plan = t.plan
 order by o.since, o.tenant_id

-- statement: placements
-- takes $1 tenant ids uuid[]
-- gives {tenant_id, dedicated boolean, epoch int, weight float8, cap int}
-- again safe: reads only
-- locks none
-- index tenants_pkey
select t.tenant_id, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated, t.placement_epoch as epoch,
       p.weight::float8 as weight, p.run_cap as cap
  from public.tenants t join public.plans p on p.plan = t.plan where t.tenant_id = any($1::uuid[])

-- statement: inFlight
-- takes nothing
-- gives {tenant_id, run_id, worker, state, attempt int} per admitted run; never more than the windows hold
-- again safe: reads only
-- locks none
-- index runs_flight_idx
select tenant_id, run_id, worker, state, attempt from public.runs where state in ('queued', 'running')

-- statement: partitions
-- takes nothing
-- gives {partitions int}; no row until the registry has it
-- again safe: reads only
-- locks none
-- index fleet_settings_pkey
select (value #>> '{}')::int as partitions from public.fleet_settings where name = 'partitions'
