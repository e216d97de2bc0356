-- Statements of operators over the ledger of all tenants, sent as rae_operator. No payload is read.
-- role rae_operator

-- statement: list
-- takes $1 tenant uuid or null, $2 worker text or null, $3 state text or null, $4 slot timestamptz or null, $5 before which created_at timestamptz or null, $6 limit int
-- gives {tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, reason, error, counts jsonb, available_at, created_at, started_at, finished_at}, newest first
-- again safe: reads only
-- locks none
-- index runs_pkey, runs_owed_idx, runs_dead_idx, runs_cycle_idx
select tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, reason, error, counts, available_at, created_at,
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
select tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, reason, error, counts, available_at, created_at,
       started_at, finished_at, covered_by
  from public.runs where run_id = $1

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
 where state = 'dead' and ($1::text is null or worker = $1::text) and ($2::uuid is null or tenant_id = $2::uuid)
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
-- gives {tenant_id, worker, dedicated boolean, state, runs int} per tenant with admitted runs
-- again safe: reads only
-- locks none
-- index runs_flight_idx
select r.tenant_id, r.worker, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated, r.state, count(*)::int as runs
  from public.runs r join public.tenants t on t.tenant_id = r.tenant_id join public.plans p on p.plan = t.plan
 where r.state in ('queued', 'running') group by 1, 2, 3, 4

-- statement: partitions
-- takes nothing
-- gives {partitions int}; no row until a scheduler has started
-- again safe: reads only
-- locks none
-- index fleet_settings_pkey
select (value #>> '{}')::int as partitions from public.fleet_settings where name = 'partitions'
