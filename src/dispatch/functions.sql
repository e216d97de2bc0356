-- function: admit_runs
-- takes lease name, holder, epoch; the number of the edit of what operators control that the wish rests on; how long a queued run may wait before it is taken back, in ms; what is wanted, an entry per
--   tenant and worker: tenant, worker, the placement epoch its ticket will name, how many runs, whether they are lent beyond
--   the tenant's cap
-- gives per admitted run {nth, run_id, attempt, payload text, flight_id}: the oldest of each entry; nth = which entry, from 1; payload
--   = its sha256 in hex. Raises RA002 when operators have edited since, and RA001 when the lease is not this holder's any more: then nothing was admitted. That a tenant was
--   placed anew meanwhile is found by the claim. The commit is not waited for to be on disk: should a crash undo it, its
--   runs are owed, and their tickets do nothing
-- again safe: what is queued is not owed any more
-- locks the lease row (shared), the admitted rows; rows that others hold are passed over
-- index runs_open_idx
-- role rae_scheduler
create function {{admit_runs}}(p_lease text, p_holder text, p_epoch bigint, p_controls bigint, p_wait_ms int, p_tenants uuid[], p_workers text[],
    p_epochs int[], p_want int[], p_lent boolean[])
  returns table (nth int, run_id uuid, attempt int, payload text, flight_id bigint)
  language plpgsql volatile security invoker
as $$
#variable_conflict use_column
declare
  v_controls bigint;
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
        select r.ctid as place from public.runs r
         where r.tenant_id = a.tenant_id and r.worker = a.worker and r.finished_at is null and r.state = 'owed'
           and r.available_at <= statement_timestamp()
         order by r.available_at, r.slot limit a.want for update skip locked) o),
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
