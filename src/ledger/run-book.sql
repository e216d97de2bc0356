-- Statements of operators over the ledger of all tenants, sent as rae_operator. No payload is read.
-- role rae_operator

-- statement: list
-- takes $1 tenant uuid or null, $2 worker text or null, $3 state text or null, $4 slot timestamptz or null, $5 before which created_at timestamptz or null, $6 limit int
-- gives {tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, reason, error, counts jsonb, available_at, priority int, deadline, created_at, started_at, finished_at}, newest first
-- again safe: reads only
-- locks none
-- index runs_pkey, runs_dead_idx, runs_cycle_idx
select tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, reason, error, counts, available_at, priority, deadline, created_at,
       started_at, finished_at, covered_by
  from public.runs
 where ($1::uuid is null or tenant_id = $1::uuid) and ($2::text is null or worker = $2::text)
   and ($3::text is null or state = $3::text) and ($4::timestamptz is null or slot = $4::timestamptz)
   and ($5::timestamptz is null or created_at < $5::timestamptz)
 order by created_at desc, tenant_id, run_id limit $6::int

-- statement: show
-- takes $1 run uuid
-- gives the columns of list for one run; none where it does not exist
-- again safe: reads only
-- locks none
-- index none: an operator asks for one run, and the key begins with its tenant
select tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, reason, error, counts, available_at, priority, deadline, created_at,
       started_at, finished_at, covered_by
  from public.runs where run_id = $1

-- statement: why
-- takes $1 run uuid
-- gives {tenant_id, worker, state, reason text, value int, bound int, owner, since, clears_at, dedicated boolean, waiting int}: why the run waits, as it
--   was decided (reason null = for its turn only), and how many runs of its tenant and worker wait for the same; none where it does not exist
-- again safe: reads only
-- locks none
-- index none for the run, as for show; runs_open_idx for the rest
select r.tenant_id, r.worker, r.state, o.reason, o.value, o.bound, o.owner, o.since, o.clears_at, o.dedicated, o.runs as waiting
  from public.runs r
  left join public.owed_work o on r.state = 'owed' and o.tenant_id = r.tenant_id and o.worker = r.worker
   and o.is_later = (r.available_at > statement_timestamp()) and o.is_retry = (r.failures > 0)
 where r.run_id = $1

-- statement: owedWork
-- takes nothing
-- gives {tenant_id, worker, dedicated boolean, quarantined boolean, reason text, runs int} per tenant, worker and reason with owed runs; reason null = eligible
-- again safe: reads only
-- locks none
-- index runs_open_idx
select o.tenant_id, o.worker, o.dedicated, coalesce(t.placement = 'quarantine', false) as quarantined, o.reason, sum(o.runs)::int as runs
  from public.owed_work o join public.tenants t on t.tenant_id = o.tenant_id group by 1, 2, 3, 4, 5

-- statement: retry
-- takes $1 runs uuid[]
-- gives {tenant_id, run_id} per dead run that is owed again; its cycle is open again
-- again safe: a run that is not dead is left alone
-- locks the runs' rows and their cycles'
-- index none, as for show
with back as (
  update public.runs set state = 'owed', failures = 0, lapses = 0, available_at = clock_timestamp(), reason = 'retried', finished_at = null
   where run_id = any($1::uuid[]) and state = 'dead' returning tenant_id, run_id, worker, slot),
reopened as (
  update public.cycles c set finished_at = null from back b where c.worker = b.worker and c.slot = b.slot),
noted as (
  insert into public.arrivals (tenant_id, worker) select distinct tenant_id, worker from back where not exists (select from public.leases where asleep)),
woken as (
  select pg_notify('rae_owed', '') from public.leases where asleep limit 1)
select b.tenant_id, b.run_id from back b left join woken on true

-- statement: deadRuns
-- takes $1 worker text or null, $2 tenant uuid or null, $3 limit int
-- gives {run_id} of dead runs, the oldest first
-- again safe: reads only
-- locks none
-- index runs_dead_idx
select run_id from public.runs
 where state = 'dead' and finished_at is not null and error is not null
   and ($1::text is null or worker = $1::text) and ($2::uuid is null or tenant_id = $2::uuid)
 order by finished_at limit $3::int

-- statement: cancel
-- takes $1 run uuid
-- gives {tenant_id, run_id} when it was owed and will not run
-- again safe
-- locks the run's row
-- index none, as for show
update public.runs set state = 'skipped', reason = 'cancelled', finished_at = clock_timestamp()
 where run_id = $1 and state = 'owed' returning tenant_id, run_id

-- statement: queueStates
-- takes nothing
-- gives {tenant_id, worker, dedicated boolean, quarantined boolean, state, runs int} per tenant with admitted runs
-- again safe: reads only
-- locks none
-- index runs_pkey: what is admitted stands in flights, which are few
select r.tenant_id, r.worker, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated,
       coalesce(t.placement = 'quarantine', false) as quarantined, r.state, count(*)::int as runs
  from (select distinct u.tenant_id, u.run_id from public.flights f cross join lateral unnest(f.tenants, f.runs) u (tenant_id, run_id)) a
  join public.runs r on r.tenant_id = a.tenant_id and r.run_id = a.run_id
  join public.tenants t on t.tenant_id = r.tenant_id join public.plans p on p.plan = t.plan
 where r.state in ('queued', 'running') group by 1, 2, 3, 4, 5

-- statement: partitions
-- takes nothing
-- gives {partitions int}; no row until a scheduler has started
-- again safe: reads only
-- locks none
-- index fleet_settings_pkey
select (value #>> '{}')::int as partitions from public.fleet_settings where name = 'partitions'
