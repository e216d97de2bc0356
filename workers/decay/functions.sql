-- function: decay_factor
-- takes the instant of the date, last access, rate per date, protected days, accelerated days, whether access counts
-- gives the share of its importance that a memory keeps on that date, from 0 to 1; the original's formula with strict bounds
-- again safe: pure
-- locks none
-- index none
-- role rae_worker
create function {{decay_factor}}(p_instant timestamptz, p_accessed timestamptz, p_rate float8, p_protected float8,
    p_accelerated float8, p_access boolean) returns float8
  language sql immutable parallel safe security invoker
as $$
  select greatest(0::float8, 1 - p_rate * case
    when not p_access then 1
    when p_instant - p_accessed > p_accelerated * interval '1 day' then
      1 + date_part('epoch', p_instant - p_accessed) / 86400 / p_accelerated
    -- An access after the instant counts as no idle time, never as a negative one.
    when p_instant - least(p_accessed, p_instant) < p_protected * interval '1 day' then 0.5
    else 1 end)
$$;

-- function: decay_step
-- takes tenant, the run's slot and those it covers, the whole policy, operator settings
-- gives {more: dates or memories are left, idle: the tenant has no memory at all, counts {decayed: memories lowered, dates: dates finished}}
-- again safe: how far each date has come is kept in decay_marks and committed with the memories; a finished date changes nothing;
-- with the last date goes the event decay_completed, where a rule of the tenant listens to it
-- locks the tenant's decay_marks row, then memories in id order, so that two runs of one tenant cannot deadlock
-- index memories_pkey
-- role rae_worker
create function {{decay_step}}(p_tenant uuid, p_slots timestamptz[], p_policy jsonb, p_settings jsonb)
  returns table (more boolean, idle boolean, counts jsonb)
  language plpgsql volatile security invoker
as $$
declare
  c_first constant uuid := '00000000-0000-0000-0000-000000000000';
  c_last constant uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  v_zone constant text := p_policy ->> 'time_zone';
  v_rate constant float8 := (p_policy ->> 'rate')::float8;
  v_floor constant float8 := (p_policy ->> 'floor')::float8;
  v_protected constant float8 := (p_policy ->> 'protected_days')::float8;
  v_accelerated constant float8 := (p_policy ->> 'accelerated_days')::float8;
  v_access constant boolean := (p_policy ->> 'access_statistics')::boolean;
  v_rates constant jsonb := nullif(p_policy -> 'layer_rates', '{}'::jsonb);
  v_rows constant int := (p_settings ->> 'step_rows')::int;
  v_marks public.decay_marks;
  v_left int;
  v_from uuid;
  v_stop uuid;
  v_ids uuid[];
  v_end uuid;
  v_next uuid;
  v_dates date[];
  v_instants timestamptz[];
  v_sure timestamptz;
  -- A product below the smallest double is an error to Postgres: what is so near to nothing is left as it is.
  v_least constant float8 := greatest((p_policy ->> 'floor')::float8, 1e-150);
  v_decayed bigint;
begin
  select m.* into v_marks from public.decay_marks m where m.tenant_id = p_tenant for update;
  if not found then
    -- A run of this tenant in another ticket may be making the same row.
    insert into public.decay_marks (tenant_id) values (p_tenant) on conflict (tenant_id) do nothing;
    select m.* into v_marks from public.decay_marks m where m.tenant_id = p_tenant for update;
  end if;

  -- The dates still to be written, and how far each has come: a killed run, or one that died, may have left some begun.
  -- A date's idle times are those at its first slot. All dates that stand at the lowest id move on together. Ids are
  -- compared as text, which sorts as they do: Postgres 15 has no min(uuid).
  if array_length(p_slots, 1) = 1 and p_slots[1] is not null and v_marks.begun = '{}' then
    -- The ordinary run, without the price of a query. One that was asked for has no slot, and so no date.
    v_dates := array[(p_slots[1] at time zone v_zone)::date];
    v_instants := p_slots;
    v_left := case when v_marks.dates @> v_dates[1] then 0 else 1 end;
    v_from := c_first;
  else
    with outstanding as (
      select d.day, d.instant, coalesce(v_marks.begun ->> d.day::text, c_first::text) as at
        from (select (s.slot at time zone v_zone)::date as day, min(s.slot) as instant from unnest(p_slots) s (slot) group by 1) d
       where not v_marks.dates @> d.day)
    select count(*), min(o.at), min(o.at) filter (where o.at > l.lowest),
           array_agg(o.day order by o.day) filter (where o.at = l.lowest),
           array_agg(o.instant order by o.day) filter (where o.at = l.lowest)
      into v_left, v_from, v_stop, v_dates, v_instants
      from outstanding o, (select min(i.at) as lowest from outstanding i) l;
  end if;
  more := false;
  idle := false;
  if v_left = 0 then
    counts := '{"decayed": 0, "dates": 0}';
    return next;
    return;
  end if;

  -- The last memory of this step and the first of the next.
  select array_agg(n.id order by n.id) into v_ids from (
    select m.id from public.memories m where m.tenant_id = p_tenant and m.id >= v_from order by m.id offset v_rows - 1 limit 2) n;
  v_end := case when v_ids[2] is null then c_last else v_ids[1] end;
  -- A date that stands further on is joined where it stands, not passed.
  v_next := case when v_stop is not null and (v_ids[2] is null or v_stop <= v_ids[2]) then v_stop else v_ids[2] end;

  -- Before this instant it is the first of the dates, or an earlier one, in every zone: no need to convert.
  v_sure := v_dates[1]::timestamp at time zone 'UTC' - interval '1 day';
  if array_length(v_dates, 1) = 1 then
    update public.memories m
       set importance = greatest(v_floor, m.importance * {{decay_factor}}(
             v_instants[1], coalesce(m.last_accessed_at, m.created_at), coalesce((v_rates ->> m.layer)::float8, v_rate),
             v_protected, v_accelerated, v_access))
     where m.tenant_id = p_tenant and m.id >= v_from and m.id <= v_end and (v_stop is null or m.id < v_stop)
       and m.importance > v_least
       and (m.created_at < v_sure or (m.created_at at time zone v_zone)::date <= v_dates[1]);
  else
    -- Every factor is between 0 and 1, so one floor at the end is the same as one after each date. Their logarithms are
    -- added, since a product of many dates would underflow too.
    update public.memories m
       set importance = greatest(v_floor, m.importance * exp(greatest(-300, (
             select coalesce(sum(ln(greatest(1e-130, {{decay_factor}}(
                      d.instant, coalesce(m.last_accessed_at, m.created_at), coalesce((v_rates ->> m.layer)::float8, v_rate),
                      v_protected, v_accelerated, v_access)))), 0)
               from unnest(v_dates, v_instants) d (day, instant)
              where m.created_at < v_sure or (m.created_at at time zone v_zone)::date <= d.day))))
     where m.tenant_id = p_tenant and m.id >= v_from and m.id <= v_end and (v_stop is null or m.id < v_stop)
       and m.importance > v_least
       and (m.created_at < v_sure or (m.created_at at time zone v_zone)::date <= v_dates[array_length(v_dates, 1)]);
  end if;
  get diagnostics v_decayed = row_count;

  if v_next is not null then
    update public.decay_marks d
       set begun = d.begun || (select jsonb_object_agg(w.day::text, v_next) from unnest(v_dates) w (day))
     where d.tenant_id = p_tenant;
  elsif array_length(v_dates, 1) = 1 then
    update public.decay_marks d
       set dates = d.dates + datemultirange(daterange(v_dates[1], v_dates[1], '[]')), begun = d.begun - v_dates[1]::text
     where d.tenant_id = p_tenant;
  else
    update public.decay_marks d
       set dates = d.dates + (select range_agg(daterange(w.day, w.day, '[]')) from unnest(v_dates) w (day)),
           begun = d.begun - (select array_agg(w.day::text) from unnest(v_dates) w (day))
     where d.tenant_id = p_tenant;
  end if;
  -- Only where a rule listens: an event for each tenant of a cycle would cost as much again as its decay.
  if v_next is null and v_left = array_length(v_dates, 1) and exists (
       select from public.trigger_rules r
        where r.tenant_id = p_tenant and r.is_enabled and 'decay_completed' = any (r.event_types)) then
    perform public.rae_emit_event('decay_completed', source => 'decay', payload => jsonb_build_object('dates', (
      select jsonb_agg(distinct (s.slot at time zone v_zone)::date) from unnest(p_slots) s (slot))));
  end if;
  more := v_next is not null or v_left > array_length(v_dates, 1);
  if v_next is null and v_ids is null and v_decayed = 0 then
    idle := not exists (select from public.memories m where m.tenant_id = p_tenant);
  end if;
  counts := jsonb_build_object('decayed', v_decayed, 'dates', case when v_next is null then array_length(v_dates, 1) else 0 end);
  return next;
end
$$;
