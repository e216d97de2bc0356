-- statement: planChunk
-- takes $1 cadence int, $2 worker text, $3 slots timestamptz[], $4 catch-up text, $5 serves suspended boolean, $6 cover owed boolean, $7 after uuid, $8 limit int, $9 only uuid
-- gives {last, seen int, total int, owed int, skipped int, covered int}
-- again safe
-- locks the new runs
-- index tenant_cadences_due_idx
select last, seen, total, owed, skipped, covered from {{plan_chunk}}($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- statement: dueCadence
-- takes $1 workers text[], $2 ids to pass over int[]
-- gives {cadence_id int, worker, cron, time_zone, next_at, planning timestamptz[], planned_to} of one cadence that is due; held until the transaction ends
-- again safe
-- locks the cadence's row; one that another scheduler plans is passed over
-- index cadences_due_idx
select cadence_id, worker, cron, time_zone, next_at, planning, planned_to from public.cadences
 where next_at <= clock_timestamp() and worker = any($1::text[]) and cadence_id <> all ($2::int[])
 order by next_at limit 1 for update skip locked

-- statement: planned
-- takes $1 cadence int, $2 next slot timestamptz, $3 slots still being planned timestamptz[], $4 up to which tenant uuid
-- gives nothing
-- again safe
-- locks the cadence's row
-- index cadences_pkey
update public.cadences set next_at = $2, planning = $3, planned_to = $4 where cadence_id = $1

-- statement: earlierOpen
-- takes $1 worker text, $2 slot timestamptz
-- gives {open boolean}: an earlier cycle of the worker has not finished
-- again safe: reads only
-- locks none
-- index cycles_open_idx
select exists (select from public.cycles where worker = $1 and slot < $2 and finished_at is null) as open

-- statement: cadencesOf
-- takes $1 worker text, $2 tenant uuid or null
-- gives {cadence_id int, cron, time_zone} per cadence of the worker that a tenant (this tenant) follows
-- again safe: reads only
-- locks none
-- index cadences_worker_cron_time_zone_key
select c.cadence_id, c.cron, c.time_zone from public.cadences c
 where c.worker = $1 and exists (
   select from public.tenant_cadences t where t.cadence_id = c.cadence_id and ($2::uuid is null or t.tenant_id = $2))
 order by c.cadence_id

-- statement: originate
-- takes $1 worker text, $2 slot timestamptz, $3 origin text
-- gives nothing; a cycle that is made by a command says so, and is there even when no tenant is due
-- again safe
-- locks the cycle's row
-- index cycles_pkey
insert into public.cycles (worker, slot, origin) values ($1, $2, $3) on conflict (worker, slot) do nothing

-- statement: openCycles
-- takes $1 longest pause between counts ms int
-- gives {worker, slot, planned_at} of the cycles to count, oldest first
-- again safe: reads only
-- locks none
-- index cycles_open_idx
select worker, slot, planned_at from public.cycles
 where finished_at is null and (counted_at is null or counted_at < clock_timestamp() - $1::int * interval '1 millisecond')
 order by slot limit 200

-- statement: countCycle
-- takes $1 worker text, $2 slot timestamptz
-- gives {finished boolean, done int, skipped int, dead int, seconds float8}; finished only the first time that nothing is left
-- again safe: counts anew
-- locks the cycle's row
-- index runs_cycle_idx
with counted as (
  select r.state, coalesce(r.reason, '') as reason, count(*) as n, max(r.finished_at) as last,
         count(*) filter (where r.finished_at > greatest(r.slot, r.created_at) + p.deadline_seconds * interval '1 second') as late
    from public.runs r join public.tenants t on t.tenant_id = r.tenant_id join public.plans p on p.plan = t.plan
   where r.worker = $1 and r.slot = $2 group by 1, 2),
changed as (
  select coalesce(jsonb_object_agg(s.key, s.n), '{}') as sums from (
    select e.key, sum(e.value::bigint) as n from public.runs r cross join lateral jsonb_each_text(r.counts) e
     where r.worker = $1 and r.slot = $2 and r.counts is not null group by e.key) s),
totals as (
  select coalesce(sum(n) filter (where state in ('owed', 'queued', 'running')), 0)::int as open,
         coalesce(sum(n) filter (where state = 'done'), 0)::int as done,
         coalesce(sum(n) filter (where state = 'dead'), 0)::int as dead,
         coalesce(sum(n) filter (where state = 'skipped'), 0)::int as skipped,
         coalesce(sum(late), 0)::int as late, coalesce(sum(n), 0)::int as total,
         coalesce(jsonb_object_agg(reason, n) filter (where state = 'skipped'), '{}') as reasons, max(last) as last
    from counted)
update public.cycles c set owed = t.open + t.done + t.dead, open = t.open, done = t.done, dead = t.dead, skipped = t.reasons, late = t.late, total = t.total,
       changed = h.sums, counted_at = clock_timestamp(),
       finished_at = case when t.open = 0 then coalesce(t.last, clock_timestamp()) end
  from totals t, changed h where c.worker = $1 and c.slot = $2
returning c.finished_at is not null as finished, t.done, t.skipped, t.dead,
          coalesce(extract(epoch from c.finished_at - c.planned_at), 0)::float8 as seconds

-- statement: enrolMissing
-- takes $1 worker text, $2 after which tenant uuid, $3 how many tenants to look at int
-- gives {last uuid, seen int}: how far it looked; tenants that the worker did not know have a hint for it now
-- again safe: a hint too many changes nothing
-- locks the new hints
-- index tenants_pkey, tenant_cadences_pkey, due_hints_pkey
with page as (
  select tenant_id, created_at from public.tenants where tenant_id > $2 order by tenant_id limit $3::int),
new as (
  insert into public.due_hints (tenant_id, kind, worker)
  select g.tenant_id, 'enrol', $1 from page g
   where not exists (select from public.tenant_cadences c where c.tenant_id = g.tenant_id and c.worker = $1)
     -- One made just now, whose own hint has yet to be folded, has missed nothing: it would be owed a run that finds nothing.
     and not (g.created_at > statement_timestamp() - interval '1 minute'
       and exists (select from public.due_hints h where h.tenant_id = g.tenant_id and h.kind = 'tenant')))
select max(tenant_id::text)::uuid as last, count(*)::int as seen from page

-- statement: anyHints
-- takes nothing
-- gives {waiting boolean}
-- again safe: reads only
-- locks none
-- index none: the table is emptied as fast as it fills
select exists (select from public.due_hints) as waiting

-- statement: takeHints
-- takes $1 limit int, $2 workers text[], $3 workers that listen text[], $4 to which kind each text[], $5 workers that are woken text[], $6 by which kind each text[]
-- gives {tenant_id, worker, cron, time_zone, enabled boolean, cadence boolean, woken timestamptz, taken int} per tenant and worker that a hint is for; the hints are
--   gone when the transaction commits. woken = when the first came that wakes it; taken = how many hints were taken in all
-- again safe
-- locks the hints
-- index none: the table is emptied as fast as it fills
with taken as (
  delete from public.due_hints h
   -- By place on disk: a join would look at every hint there is for each batch.
   where h.ctid = any (array(select o.ctid from public.due_hints o limit $1::int for update skip locked))
  returning h.tenant_id, h.kind, h.worker, h.created_at),
touched as (
  select t.tenant_id, w.worker, bool_or(t.kind in ('tenant', 'policy', 'enrol')) as cadence,
         min(t.created_at) filter (where (w.worker, t.kind) in (select l.worker, l.kind from unnest($5::text[], $6::text[]) l (worker, kind))) as woken
    from taken t join unnest($2::text[]) w (worker)
      on (t.worker is null or t.worker = w.worker)
     and (t.kind in ('tenant', 'policy', 'enrol')
       or (w.worker, t.kind) in (select l.worker, l.kind from unnest($3::text[] || $5::text[], $4::text[] || $6::text[]) l (worker, kind)))
   group by 1, 2)
select t.tenant_id, t.worker, t.cadence, t.woken, p.cron, p.time_zone, coalesce(p.enabled, true) as enabled,
       (select count(*) from taken)::int as taken
  from touched t left join public.policies p on p.tenant_id = t.tenant_id and p.worker = t.worker

-- statement: noteWakes
-- takes $1 tenants uuid[], $2 workers text[], $3 since when timestamptz[]; in the order of tenants and workers
-- gives nothing: something waits for these tenants
-- again safe
-- locks the tenants' wakes
-- index wakes_pkey
insert into public.wakes as w (tenant_id, worker, since)
select n.tenant_id, n.worker, n.since from unnest($1::uuid[], $2::text[], $3::timestamptz[]) n (tenant_id, worker, since)
on conflict (tenant_id, worker) do update set since = least(w.since, excluded.since)

-- statement: oweWakes
-- takes $1 workers text[], $2 how long each waits ms int[], $3 serves suspended boolean[], $4 limit int
-- gives {owed int}, see owe_wakes
-- again safe
-- locks the tenants' wakes
-- index wakes_since_idx
select {{owe_wakes}}($1, $2, $3, $4) as owed

-- statement: wakeIdle
-- takes $1 how long before their time ms int, $2 limit int, $3 workers to leave out text[]
-- gives {woken int}: idle tenants that time alone makes due; those of workers that are woken are owed a run when it comes
-- again safe
-- locks the tenants' cadence rows; one that is being written is passed over until the next time
-- index tenant_cadences_wake_idx
with woken as (
  update public.tenant_cadences c set idle = false, due_at = null
   where c.ctid = any (array(
     select w.ctid from public.tenant_cadences w
      where w.idle and w.due_at is not null and w.due_at <= statement_timestamp() + $1::int * interval '1 millisecond'
        and w.worker <> all ($3::text[])
      order by w.due_at limit $2::int for update skip locked))
  returning 1)
select count(*)::int as woken from woken

-- statement: noteHints
-- takes $1 tenants uuid[], $2 workers text[]
-- gives nothing: the tenants are due again
-- again safe
-- locks the tenants' cadence rows
-- index tenant_cadences_pkey
insert into public.tenant_cadences as c (tenant_id, worker)
select n.tenant_id, n.worker from unnest($1::uuid[], $2::text[]) n (tenant_id, worker)
on conflict (tenant_id, worker) do update set idle = false, hint_seq = c.hint_seq + 1

-- statement: ensureCadence
-- takes $1 worker text, $2 cron text, $3 time zone text, $4 its next slot timestamptz
-- gives {cadence_id int}
-- again safe: one that is there keeps its next slot
-- locks the cadence's row
-- index cadences_worker_cron_time_zone_key
insert into public.cadences as c (worker, cron, time_zone, next_at) values ($1, $2, $3, $4)
on conflict (worker, cron, time_zone) do update set next_at = c.next_at returning cadence_id

-- statement: assignCadences
-- takes $1 tenants uuid[], $2 workers text[], $3 cadences int[]; a null cadence = no runs
-- gives nothing
-- again safe
-- locks the tenants' cadence rows
-- index tenant_cadences_pkey
update public.tenant_cadences c set cadence_id = n.cadence_id
  from unnest($1::uuid[], $2::text[], $3::int[]) n (tenant_id, worker, cadence_id)
 where c.tenant_id = n.tenant_id and c.worker = n.worker and c.cadence_id is distinct from n.cadence_id

-- statement: seedPartitions
-- takes $1 partitions int
-- gives nothing; the registry's number stays once it has one
-- again safe
-- locks the setting's row
-- index fleet_settings_pkey
insert into public.fleet_settings (name, value) values ('partitions', to_jsonb($1::int)) on conflict (name) do nothing
