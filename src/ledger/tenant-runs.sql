-- Role rae_api, inside the tenant.

-- statement: enqueue
-- takes $1 items jsonb
-- gives {run_id} per item, in their order: {worker, payload, key, at, priority, deadline} each, all but the first two may be null
-- again safe for items with a key: the same run
-- locks the new rows
-- index enqueue_keys_pkey
select public.rae_enqueue(i.item ->> 'worker', i.item -> 'payload', i.item ->> 'key',
                          coalesce((i.item ->> 'at')::timestamptz, now()),
                          coalesce((i.item ->> 'priority')::int, 0), (i.item ->> 'deadline')::timestamptz) as run_id
  from jsonb_array_elements($1::jsonb) with ordinality i (item, nth) order by i.nth

-- statement: find
-- takes $1 tenant uuid, $2 run uuid
-- gives the run as TenantRun; none where the tenant has none of this id
-- again safe: reads only
-- locks none
-- index runs_pkey
select run_id, worker, slot, origin, state, attempt, failures, reason, error, counts, payload, available_at, priority, deadline, created_at, started_at, finished_at
  from public.runs where tenant_id = $1 and run_id = $2

-- statement: list
-- takes $1 tenant uuid, $2 worker text or null, $3 state text or null, $4 made before timestamptz (infinity = from the newest on), $5 and of those of that instant only below run uuid, $6 most int
-- gives runs as TenantRun without what they carry, the newest first, with made text: created_at to the microsecond
-- again safe: reads only
-- locks none
-- index runs_made_idx
select run_id, worker, slot, origin, state, attempt, failures, reason, error, counts, available_at, priority, deadline, created_at, started_at, finished_at,
       to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as made
  from public.runs
 where tenant_id = $1 and ($2::text is null or worker = $2::text) and ($3::text is null or state = $3::text)
   -- Neither `$4 is null or …` nor coalesce: row security lets only what cannot leak into an index, and a kept plan would begin at its beginning.
   and (created_at, run_id) < ($4::timestamptz, $5::uuid)
 order by created_at desc, run_id desc limit $6::int

-- statement: why
-- takes $1 tenant uuid, $2 run uuid
-- gives {worker, state, reason, attempt, hold, value, bound, since, clears_at, before int: owed runs of the tenant and worker that come first,
--   mean_seconds float8: of its last 20 that were done}; none as for find
-- again safe: reads only
-- locks none
-- index runs_pkey, runs_open_idx, holds_pkey
select r.worker, r.state, r.reason, r.attempt, o.reason as hold, o.value, o.bound, o.since, o.clears_at,
       (select count(*)::int from public.runs b where b.tenant_id = $1 and b.worker = r.worker and b.finished_at is null and b.state = 'owed'
           and (-b.priority, b.available_at, b.run_id) < (-r.priority, r.available_at, r.run_id)) as before,
       (select avg(extract(epoch from d.finished_at - coalesce(d.started_at, d.queued_at)))::float8 from (
          select finished_at, started_at, queued_at from public.runs
           where tenant_id = $1 and worker = r.worker and state = 'done' order by finished_at desc limit 20) d) as mean_seconds
  from public.runs r
  left join public.owed_work o on r.state = 'owed' and o.tenant_id = r.tenant_id and o.worker = r.worker
   and o.is_later = (r.available_at > statement_timestamp()) and o.is_retry = (r.failures > 0)
 where r.tenant_id = $1 and r.run_id = $2

-- statement: cancel
-- takes $1 tenant uuid, $2 run uuid
-- gives {run_id} when it was owed and will not run
-- again safe
-- locks the run's row
-- index runs_pkey
update public.runs set state = 'skipped', reason = 'cancelled', finished_at = clock_timestamp()
 where tenant_id = $1 and run_id = $2 and state = 'owed' returning run_id

-- statement: retry
-- takes $1 tenant uuid, $2 run uuid
-- gives {run_id} when it was dead and of no slot: a slot's cycle is opened again by operators alone
-- again safe
-- locks the run's row
-- index runs_pkey
with back as (
  update public.runs set state = 'owed', failures = 0, lapses = 0, available_at = clock_timestamp(), reason = 'retried', finished_at = null
   where tenant_id = $1 and run_id = $2 and state = 'dead' and slot is null returning tenant_id, run_id, worker),
noted as (
  insert into public.arrivals (tenant_id, worker) select b.tenant_id, b.worker from back b where not exists (select from public.leases l where l.asleep)),
woken as (
  select pg_notify('rae_owed', '') from public.leases l where l.asleep limit 1)
select b.run_id from back b left join woken on true
