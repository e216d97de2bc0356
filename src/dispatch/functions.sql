-- function: admit_runs
-- takes lease name, holder, epoch; tenants in the order of their turn; for each the workers whose queue has room
--   (comma-separated); how long a queued run may wait before it is taken back, in ms
-- gives per admitted run {tenant_id, run_id, worker, attempt, slot, turn}; at most one per tenant and worker in flight, never
--   more per tenant than its plan's cap. Raises RA001 when the lease is not this holder's any more: then nothing was admitted
-- again safe: what is queued is not owed any more
-- locks the lease row (shared), the admitted rows
-- index runs_owed_idx, runs_flight_idx
-- role rae_scheduler
create function {{admit_runs}}(p_lease text, p_holder text, p_epoch bigint, p_tenants uuid[], p_room text[], p_wait_ms int)
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
    select a.tenant_id, a.room, a.turn, p.run_cap from unnest(p_tenants, p_room) with ordinality a (tenant_id, room, turn)
      join public.tenants t on t.tenant_id = a.tenant_id join public.plans p on p.plan = t.plan),
  room as (
    select a.tenant_id, a.room, a.turn, a.run_cap - f.flying as free, f.busy
      from asked a cross join lateral (
        select count(*)::int as flying, coalesce(array_agg(r.worker), '{}') as busy from public.runs r
         where r.tenant_id = a.tenant_id and r.state in ('queued', 'running')) f
     where f.flying < a.run_cap),
  picked as (
    select o.tenant_id, o.run_id
      from room m cross join lateral (
        select n.tenant_id, n.run_id
          from unnest(string_to_array(m.room, ',')) w (worker) cross join lateral (
            select r.tenant_id, r.run_id, r.available_at from public.runs r
             where r.tenant_id = m.tenant_id and r.worker = w.worker and r.state = 'owed' and r.available_at <= clock_timestamp()
             order by r.available_at, r.slot limit 1) n
         -- Two runs of one tenant and worker at once would deadlock on each other's rows.
         where w.worker <> all (m.busy)
         order by n.available_at limit m.free) o),
  held as (
    select r.tenant_id, r.run_id from public.runs r join picked p on p.tenant_id = r.tenant_id and p.run_id = r.run_id
     where r.state = 'owed' for update of r skip locked)
  update public.runs r set state = 'queued', queued_at = clock_timestamp(),
         lease_until = clock_timestamp() + p_wait_ms * interval '1 millisecond'
    from held h where r.tenant_id = h.tenant_id and r.run_id = h.run_id
  returning r.tenant_id, r.run_id, r.worker, r.attempt, r.slot;
end
$$;
