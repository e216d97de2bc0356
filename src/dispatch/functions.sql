-- function: admit_runs
-- takes lease name, holder, epoch; the number of the edit of what operators control that the wish rests on; how long a queued run may wait before it is taken back, in ms; what is wanted, an entry per
--   tenant and worker: tenant, worker, the placement epoch its ticket will name, how many runs, whether they are lent beyond
--   the tenant's cap
-- gives per admitted run {nth, run_id, attempt, payload text, flight_id}: those of each entry with the highest priority, the oldest first; nth = which entry, from 1; payload
--   = its sha256 in hex. Raises RA002 when operators have edited since, and RA001 when the lease is not this holder's any more: then nothing was admitted. That a tenant was
--   placed anew meanwhile is found by the claim. The commit is not waited for to be on disk: should a crash undo it, its
--   runs are owed, and their tickets do nothing
-- again safe: what is queued is not owed any more
-- locks the lease row (shared), the admitted rows; rows that others hold are passed over
-- index runs_priority_idx, runs_open_idx
-- role rae_scheduler
create function {{admit_runs}}(p_lease text, p_holder text, p_epoch bigint, p_controls bigint, p_wait_ms int, p_tenants uuid[], p_workers text[],
    p_epochs int[], p_want int[], p_lent boolean[])
  returns table (nth int, run_id uuid, attempt int, payload text, flight_id bigint)
  language plpgsql volatile security invoker
as $$
#variable_conflict use_column
declare
  v_controls bigint;
  -- Asked once and not for each pick: somebody's runs come first, by an index that is empty where nobody asks for that.
  v_ordered constant boolean := exists (select from public.runs r where r.finished_at is null and r.priority > 0);
begin
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  -- A dispatcher that was frozen and wakes up after a takeover ends here. The shared lock keeps a successor from
  -- taking over, and operators from pausing something, between this check and the commit.
  select l.controls into v_controls from public.leases l
    where l.name = p_lease and l.holder = p_holder and l.epoch = p_epoch and l.expires_at > clock_timestamp() for share;
  if not found then
    raise exception using errcode = 'RA001', message = 'the dispatcher lease is held by another';
  end if;
  if v_controls <> p_controls then
    raise exception using errcode = 'RA002', message = 'operators have edited what they control';
  end if;
  return query
  with picked as materialized (
    select a.nth, a.epoch, a.lent, o.place
      from unnest(p_tenants, p_workers, p_epochs, p_want, p_lent) with ordinality a (tenant_id, worker, epoch, want, lent, nth)
      cross join lateral (
        select u.place from (
          select * from (
            select r.ctid as place from public.runs r
             where v_ordered and r.tenant_id = a.tenant_id and r.worker = a.worker and r.finished_at is null and r.priority > 0 and r.state = 'owed'
               and r.available_at <= statement_timestamp() and (r.deadline is null or r.deadline > statement_timestamp() or r.started_at is not null or r.failures > 0)
             order by r.priority desc, r.available_at limit a.want for update skip locked) first
          union all
          select * from (
            select r.ctid as place from public.runs r
             where r.tenant_id = a.tenant_id and r.worker = a.worker and r.finished_at is null and r.priority = 0 and r.state = 'owed'
               and r.available_at <= statement_timestamp() and (r.deadline is null or r.deadline > statement_timestamp() or r.started_at is not null or r.failures > 0)
             order by r.available_at, r.slot limit a.want for update skip locked) rest) u
         limit a.want) o),
  queued as (
    -- By their places on disk: the rows were found and locked just now.
    update public.runs r set state = 'queued', queued_at = clock_timestamp(), epoch = p.epoch, lent = p.lent,
           lease_until = clock_timestamp() + p_wait_ms * interval '1 millisecond'
      from picked p where r.ctid = p.place
    returning p.nth::int as nth, r.tenant_id, r.run_id, r.attempt, encode(r.payload_hash, 'hex') as payload),
  flown as (
    insert into public.flights (tenants, runs) select array_agg(q.tenant_id), array_agg(q.run_id) from queued q having count(*) > 0
    returning flight_id)
  select q.nth, q.run_id, q.attempt, q.payload, f.flight_id from queued q cross join flown f order by q.nth;
end
$$;

-- function: admit_rated
-- takes what admit_runs takes, and which entries are of a tenant and worker with a rate
-- gives what admit_runs gives: of entries with a rate no more than it has left, which is taken from it in the same transaction, so
--   that no crash and no takeover lets more pass
-- again safe: as admit_runs
-- locks the limits first, as their edits do; then as admit_runs
-- index limits_pkey, runs_open_idx
-- role rae_scheduler
create function {{admit_rated}}(p_lease text, p_holder text, p_epoch bigint, p_controls bigint, p_wait_ms int, p_tenants uuid[],
    p_workers text[], p_epochs int[], p_want int[], p_lent boolean[], p_rated boolean[])
  returns table (nth int, run_id uuid, attempt int, payload text, flight_id bigint)
  language plpgsql volatile security invoker
as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_want int[];
begin
  perform 1 from public.limits l
    where (l.tenant_id, l.worker) in (select a.tenant_id, a.worker from unnest(p_tenants, p_workers, p_rated) a (tenant_id, worker, rated) where a.rated)
    order by l.tenant_id, l.worker for update;
  v_now := clock_timestamp();
  select array_agg(case when l.rate_runs is null then a.want else greatest(0, least(a.want, l.burst::numeric,
           floor(extract(epoch from v_now - coalesce(l.next_at, v_now - interval '1000 days')) * l.rate_runs / l.rate_seconds)))::int end
           order by a.nth) into v_want
    from unnest(p_tenants, p_workers, p_want, p_rated) with ordinality a (tenant_id, worker, want, rated, nth)
    left join public.limits l on a.rated and l.tenant_id = a.tenant_id and l.worker = a.worker;
  return query
  with admitted as materialized (
    select a.nth, a.run_id, a.attempt, a.payload, a.flight_id
      from {{admit_runs}}(p_lease, p_holder, p_epoch, p_controls, p_wait_ms, p_tenants, p_workers, p_epochs, v_want, p_lent) a),
  taken as (
    -- The time now, after they were queued: counted by queued_at there are never more than burst and what the rate gives since.
    update public.limits l set next_at = greatest(coalesce(l.next_at, '-infinity'), clock_timestamp() - l.burst * (l.rate_seconds * interval '1 second' / l.rate_runs))
           + n.runs * (l.rate_seconds * interval '1 second' / l.rate_runs)
      from (select p_tenants[a.nth] as tenant_id, p_workers[a.nth] as worker, count(*) as runs from admitted a where p_rated[a.nth] group by 1, 2) n
     where l.tenant_id = n.tenant_id and l.worker = n.worker and l.rate_runs is not null)
  select a.nth, a.run_id, a.attempt, a.payload, a.flight_id from admitted a;
end
$$;
