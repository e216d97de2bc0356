-- function: plan_chunk
-- takes cadence, worker, slots (ascending), what to do with the older ones (each | coalesce | skip), whether suspended tenants are
--   served, whether owed runs of earlier slots are covered too, after which tenant to go on, how many tenants, only this tenant or null
-- gives {last uuid, seen int, total int, owed int, skipped int, covered int}: last and seen say how far it came; seen < limit = finished
-- again safe: a slot of a tenant is recorded once, whoever plans it and however often
-- locks the new runs and their cycles; where slots are covered, the runs that cover them; for several slots, the worker's planning
-- index tenant_cadences_due_idx, runs_tenant_id_worker_slot_key, runs_open_idx
-- role rae_scheduler, rae_operator
create function {{plan_chunk}}(p_cadence int, p_worker text, p_slots timestamptz[], p_catch_up text, p_serves_suspended boolean,
    p_cover_owed boolean, p_after uuid, p_limit int, p_only uuid)
  returns table (last uuid, seen int, total int, owed int, skipped int, covered int)
  language plpgsql volatile security invoker
as $$
#variable_conflict use_column
declare
  v_newest constant timestamptz := p_slots[array_length(p_slots, 1)];
  v_older constant timestamptz[] := p_slots[1 : array_length(p_slots, 1) - 1];
  v_last uuid;
  v_seen int;
  v_owed int;
  v_skipped int;
  v_older_owed int := 0;
  v_older_skipped int := 0;
  v_covered int := 0;
  v_skips boolean;
begin
  select max(d.tenant_id::text)::uuid, count(*) into v_last, v_seen from (
    select c.tenant_id from public.tenant_cadences c
     where c.cadence_id = p_cadence and not c.idle and c.tenant_id > p_after and (p_only is null or c.tenant_id = p_only)
     order by c.tenant_id limit p_limit) d;
  if v_seen = 0 then
    return query select p_after, 0, 0, 0, 0, 0;
    return;
  end if;
  v_skips := exists (select from public.pauses p where p.lifted_at is null and p.arrivals = 'skip' and p.worker in (p_worker, '*'));
  -- Cadences of a worker share cycles: two planners that catch up would each wait for a cycle that the other holds.
  if array_length(v_older, 1) > 0 then
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('rae plan ' || p_worker, 0));
  end if;

  with due as (
    select c.tenant_id, case
             when t.status <> 'active' and not (t.status = 'suspended' and p_serves_suspended) then 'tenant_' || t.status
             when v_skips and exists (select from public.rae_pauses_of(c.tenant_id, p_worker) p where p.arrivals = 'skip') then 'paused' end as off
      from public.tenant_cadences c join public.tenants t on t.tenant_id = c.tenant_id
     where c.cadence_id = p_cadence and not c.idle and c.tenant_id > p_after and c.tenant_id <= v_last
       and (p_only is null or c.tenant_id = p_only) and v_newest > coalesce(c.watermark, '-infinity')
     order by c.tenant_id),
  made as (
    insert into public.runs (tenant_id, worker, slot, origin, state, reason, finished_at)
    select d.tenant_id, p_worker, v_newest, 'slot', case when d.off is null then 'owed' else 'skipped' end,
           d.off, case when d.off is not null then clock_timestamp() end
      from due d
    on conflict (tenant_id, worker, slot) do nothing returning state)
  select count(*) filter (where state = 'owed'), count(*) filter (where state = 'skipped') into v_owed, v_skipped from made;
  insert into public.cycles as c (worker, slot, origin, total, owed, open)
  values (p_worker, v_newest, 'cadence', v_owed + v_skipped, v_owed, v_owed)
  on conflict (worker, slot) do update set total = c.total + excluded.total, owed = c.owed + excluded.owed,
    open = c.open + excluded.open, finished_at = case when excluded.owed > 0 then null else c.finished_at end;

  if array_length(v_older, 1) > 0 then
    -- The newest run stays owed, and so unclaimed, until this commits: what is recorded as covered by it is seen by its claim.
    with tops as (
      select r.tenant_id from public.runs r
       where r.worker = p_worker and r.slot = v_newest and r.state = 'owed' and r.tenant_id > p_after and r.tenant_id <= v_last
         and p_catch_up = 'coalesce' and (p_only is null or r.tenant_id = p_only)
       for update),
    due as (
      select c.tenant_id, c.watermark, o.tenant_id is not null as covers, case
               when t.status <> 'active' and not (t.status = 'suspended' and p_serves_suspended) then 'tenant_' || t.status
               when v_skips and exists (select from public.rae_pauses_of(c.tenant_id, p_worker) p where p.arrivals = 'skip') then 'paused' end as off
        from public.tenant_cadences c join public.tenants t on t.tenant_id = c.tenant_id left join tops o on o.tenant_id = c.tenant_id
       where c.cadence_id = p_cadence and not c.idle and c.tenant_id > p_after and c.tenant_id <= v_last
         and (p_only is null or c.tenant_id = p_only)),
    made as (
      insert into public.runs (tenant_id, worker, slot, origin, state, reason, covered_by, finished_at)
      select d.tenant_id, p_worker, s.slot, 'slot',
             case when d.off is not null or d.covers or p_catch_up = 'skip' then 'skipped' else 'owed' end,
             case when d.off is not null then d.off when d.covers then 'covered' when p_catch_up = 'skip' then 'missed' end,
             case when d.covers and d.off is null then v_newest end,
             case when d.off is not null or d.covers or p_catch_up = 'skip' then clock_timestamp() end
        from due d cross join unnest(v_older) s (slot)
       where s.slot > coalesce(d.watermark, '-infinity')
      on conflict (tenant_id, worker, slot) do nothing
      returning tenant_id, slot, state, covered_by),
    covering as (
      update public.runs r set covers_from = least(r.covers_from, m.first)
        from (select tenant_id, min(slot) as first from made where covered_by is not null group by tenant_id) m
       where r.tenant_id = m.tenant_id and r.worker = p_worker and r.slot = v_newest),
    counted as (
      insert into public.cycles as c (worker, slot, origin, total, owed, open)
      select p_worker, m.slot, 'cadence', count(*), count(*) filter (where m.state = 'owed'), count(*) filter (where m.state = 'owed')
        from made m group by m.slot
      on conflict (worker, slot) do update set total = c.total + excluded.total, owed = c.owed + excluded.owed,
        open = c.open + excluded.open, finished_at = case when excluded.owed > 0 then null else c.finished_at end)
    select count(*) filter (where state = 'owed'), count(*) filter (where state = 'skipped' and covered_by is null),
           count(*) filter (where covered_by is not null)
      into v_older_owed, v_older_skipped, v_covered from made;
  end if;

  if p_cover_owed and p_catch_up = 'coalesce' then
    with tops as (
      select r.tenant_id from public.runs r
       where r.worker = p_worker and r.slot = v_newest and r.state = 'owed' and r.tenant_id > p_after and r.tenant_id <= v_last
       for update),
    late as (
      select r.tenant_id, r.run_id, r.slot, r.covers_from from public.runs r join tops o on o.tenant_id = r.tenant_id
       where r.worker = p_worker and r.finished_at is null and r.state = 'owed' and r.slot < v_newest for update of r skip locked),
    passed_on as (
      update public.runs r set covered_by = v_newest from late l
       where r.tenant_id = l.tenant_id and r.worker = p_worker and r.slot >= l.covers_from and r.slot < l.slot and r.covered_by = l.slot),
    recorded as (
      update public.runs r set state = 'skipped', reason = 'covered', covered_by = v_newest, finished_at = clock_timestamp()
        from late l where r.tenant_id = l.tenant_id and r.run_id = l.run_id returning 1),
    covering as (
      update public.runs r set covers_from = least(r.covers_from, l.first)
        from (select tenant_id, min(coalesce(covers_from, slot)) as first from late group by tenant_id) l
       where r.tenant_id = l.tenant_id and r.worker = p_worker and r.slot = v_newest)
    select v_covered + count(*) into v_covered from recorded;
  end if;

  return query select v_last, v_seen, v_owed + v_skipped + v_older_owed + v_older_skipped + v_covered,
    v_owed + v_older_owed, v_skipped + v_older_skipped, v_covered;
end
$$;

-- function: owe_wakes
-- takes workers that are woken, how long each waits after an arrival in ms, whether each serves suspended tenants, how many tenants at once
-- gives how many runs became owed: one for each tenant and worker for which something arrived, or a due time has come, unless one
--   of origin wake is owed and was never claimed (it will see what has arrived) or is under way (looked for again when it has ended)
-- again safe: from several schedulers at once too
-- locks the tenants' due times and wakes; those that another scheduler holds are passed over
-- index tenant_cadences_due_at_idx, wakes_since_idx, runs_pkey
-- role rae_scheduler
create function {{owe_wakes}}(p_workers text[], p_after_ms int[], p_serves_suspended boolean[], p_limit int) returns int
  language plpgsql volatile security invoker
as $$
declare
  v_tenants uuid[];
  v_workers text[];
  v_owed int;
begin
  with ripe as (
    update public.tenant_cadences c set due_at = null
     where c.ctid = any (array(
       select d.ctid from public.tenant_cadences d
        where d.worker = any (p_workers) and d.due_at <= statement_timestamp() limit p_limit for update skip locked))
    returning c.tenant_id, c.worker)
  insert into public.wakes as w (tenant_id, worker, since)
  select r.tenant_id, r.worker, '-infinity' from ripe r order by r.tenant_id, r.worker
  on conflict (tenant_id, worker) do update set since = excluded.since;

  select array_agg(l.tenant_id), array_agg(l.worker) into v_tenants, v_workers from (
    select w.tenant_id, w.worker from unnest(p_workers, p_after_ms) a (worker, after_ms)
      join public.wakes w on w.worker = a.worker
      -- By its key, one after another: a join might look through all runs there are.
      left join lateral (
        select o.run_id, o.finished_at, o.state, o.attempt from public.runs o
         where o.tenant_id = w.tenant_id and o.run_id = w.run_id offset 0) r on true
     where w.since <= statement_timestamp() - a.after_ms * interval '1 millisecond'
       and (r.run_id is null or r.finished_at is not null or r.state = 'owed' and r.attempt = 0)
     limit p_limit for update of w skip locked) l;
  if v_tenants is null then return 0; end if;

  -- A statement of its own, so that it sees what whoever held these rows before has committed.
  with mine as materialized (
    select w.tenant_id, w.worker, r.run_id is null or r.finished_at is not null as free, r.state = 'owed' and r.attempt = 0 as covered,
           (t.status = 'active' or t.status = 'suspended' and a.serves_suspended) is true as served, gen_random_uuid() as next_id
      from unnest(v_tenants, v_workers) l (tenant_id, worker)
      join public.wakes w on w.tenant_id = l.tenant_id and w.worker = l.worker
      join unnest(p_workers, p_serves_suspended) a (worker, serves_suspended) on a.worker = w.worker
      left join public.tenants t on t.tenant_id = w.tenant_id
      left join lateral (
        select o.run_id, o.finished_at, o.state, o.attempt from public.runs o
         where o.tenant_id = w.tenant_id and o.run_id = w.run_id offset 0) r on true
     where w.since is not null),
  made as (
    insert into public.runs (tenant_id, run_id, worker, origin)
    select m.tenant_id, m.next_id, m.worker, 'wake' from mine m where m.free and m.served order by 1, 3
    returning 1),
  noted as (
    update public.wakes w set since = null, run_id = case when m.free and m.served then m.next_id else w.run_id end
      from mine m where w.tenant_id = m.tenant_id and w.worker = m.worker and (m.free or m.covered))
  select count(*) into v_owed from made;
  return v_owed;
end
$$;
