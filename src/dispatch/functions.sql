-- function: admit_runs
-- takes lease name, holder, epoch; tenants, the most wanted first; for each the workers whose queue has room (comma-separated)
--   and how many runs; the workers whose runs of one tenant go one after another, in one ticket; how long a queued run may wait
--   before it is taken back, in ms
-- gives per admitted run {tenant_id, run_id, worker, attempt, slot}. A tenant's lanes never exceed its plan's cap: a lane is a run, or all admitted
--   runs of a one-after-another worker, since they never execute together. Raises RA001 when the lease is not this holder's
--   any more: then nothing was admitted
-- again safe: what is queued is not owed any more
-- locks the lease row (shared), the admitted rows
-- index runs_owed_idx, runs_flight_idx
-- role rae_scheduler
create function {{admit_runs}}(p_lease text, p_holder text, p_epoch bigint, p_tenants uuid[], p_room text[], p_want int[],
    p_serial text[], p_wait_ms int)
  returns table (tenant_id uuid, run_id uuid, worker text, attempt int, slot timestamptz)
  language plpgsql volatile security invoker
as $$
#variable_conflict use_column
begin
  -- A dispatcher that was frozen and wakes up after a takeover ends here. The shared lock keeps a successor from
  -- taking over between this check and the commit.
  perform 1 from public.leases l
    where l.name = p_lease and l.holder = p_holder and l.epoch = p_epoch and l.expires_at > clock_timestamp() for share;
  if not found then
    raise exception using errcode = 'RA001', message = 'the dispatcher lease is held by another';
  end if;
  return query
  with asked as (
    select a.tenant_id, a.room, a.want, p.run_cap from unnest(p_tenants, p_room, p_want) a (tenant_id, room, want)
      join public.tenants t on t.tenant_id = a.tenant_id join public.plans p on p.plan = t.plan),
  room as (
    select a.tenant_id, a.room, a.want, a.run_cap - f.lanes as free, f.busy
      from asked a cross join lateral (
        select (count(distinct r.worker) filter (where r.worker = any (p_serial))
                + count(*) filter (where r.worker <> all (p_serial)))::int as lanes,
               coalesce(array_agg(distinct r.worker) filter (where r.worker = any (p_serial)), '{}') as busy
          from public.runs r where r.tenant_id = a.tenant_id and r.state in ('queued', 'running')) f
     where f.lanes < a.run_cap),
  picked as (
    select o.tenant_id, o.run_id
      from room m cross join lateral (
        select l.tenant_id, l.run_id from (
          select n.tenant_id, n.run_id, dense_rank() over (order by n.lane_since, n.lane) as lane,
                 row_number() over (order by n.available_at, n.slot) as nth
            from (
              select e.tenant_id, e.run_id, e.available_at, e.slot, e.lane, min(e.available_at) over (partition by e.lane) as lane_since
                from unnest(string_to_array(m.room, ',')) w (worker) cross join lateral (
                  select r.tenant_id, r.run_id, r.available_at, r.slot,
                         case when w.worker = any (p_serial) then w.worker else r.run_id::text end as lane
                    from public.runs r
                   where r.tenant_id = m.tenant_id and r.worker = w.worker and r.state = 'owed'
                     and r.available_at <= clock_timestamp()
                   order by r.available_at, r.slot limit m.want) e
               -- Two runs of one tenant and worker in two tickets would deadlock on each other's rows.
               where w.worker <> all (m.busy)) n) l
         where l.lane <= m.free and l.nth <= m.want) o),
  held as (
    select r.tenant_id, r.run_id from public.runs r join picked p on p.tenant_id = r.tenant_id and p.run_id = r.run_id
     where r.state = 'owed' for update of r skip locked)
  update public.runs r set state = 'queued', queued_at = clock_timestamp(),
         lease_until = clock_timestamp() + p_wait_ms * interval '1 millisecond'
    from held h where r.tenant_id = h.tenant_id and r.run_id = h.run_id
  returning r.tenant_id, r.run_id, r.worker, r.attempt, r.slot;
end
$$;
