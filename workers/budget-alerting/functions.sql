-- function: budget_judge
-- takes tenant, an instant of the period (null = now), budgets, kinds of period (day, month)
-- gives how many limits were looked at, alerts made, messages sent, and channels that would take none
-- again safe: an alert that is there stays the only one, and only a new one sends
-- locks the new alerts, events and messages
-- index cost_budgets_pkey, budget_alerts_pkey
-- role rae_worker
create function {{budget_judge}}(p_tenant uuid, p_at timestamptz, p_budgets uuid[], p_kinds text[],
    out looked int, out alerts int, out messages int, out unsendable int)
  language plpgsql volatile security invoker
as $$
declare
  v_use record;
  v_threshold numeric;
  v_data jsonb;
  v_unit text;
  v_channel jsonb;
  v_faults text[];
  v_identity text;
begin
  looked := 0;
  alerts := 0;
  messages := 0;
  unsendable := 0;
  for v_use in select u.* from public.rae_budget_usage(p_at, p_budgets, p_kinds) u loop
    looked := looked + 1;
    -- A limit of 0 is reached by the first thing spent.
    continue when v_use.spent + v_use.reserved <= 0;
    for v_threshold in
      select distinct t from unnest(v_use.alert_thresholds || 1::numeric) t
       where v_use.spent + v_use.reserved >= t * v_use.limit_amount and not exists (
         select from public.budget_alerts a
          where a.tenant_id = p_tenant and a.budget_id = v_use.budget_id and a.meter = v_use.meter and a.period = v_use.period and a.threshold = t)
       order by t
    loop
      insert into public.budget_alerts (tenant_id, budget_id, meter, period, threshold, project, period_from, period_to, spent, reserved,
          limit_amount, unknown_calls, burn_rate_per_day, exhausted_on)
        values (p_tenant, v_use.budget_id, v_use.meter, v_use.period, v_threshold, v_use.project, v_use.from_at, v_use.to_at, v_use.spent,
          v_use.reserved, v_use.limit_amount, v_use.unknown_calls, v_use.burn_rate_per_day, v_use.exhausted_on)
        on conflict (tenant_id, budget_id, meter, period, threshold) do nothing;
      continue when not found;
      alerts := alerts + 1;
      v_unit := split_part(v_use.meter, '_', 2);
      v_identity := format('budget %s %s %s %s', v_use.budget_id, v_use.meter, v_use.period, v_threshold);
      v_data := jsonb_strip_nulls(jsonb_build_object('budget_id', v_use.budget_id, 'project', v_use.project, 'meter', v_use.meter,
        'period_kind', split_part(v_use.meter, '_', 1), 'period', v_use.period, 'period_from', v_use.from_at, 'period_to', v_use.to_at,
        'time_zone', v_use.time_zone, 'threshold', v_threshold, 'spend_' || v_unit, v_use.spent, 'reserved_' || v_unit, v_use.reserved,
        'limit_' || v_unit, v_use.limit_amount, 'burn_rate_' || v_unit || '_per_day', v_use.burn_rate_per_day,
        'exhausted_on', v_use.exhausted_on, 'unknown_calls', v_use.unknown_calls, 'action_on_exceed', v_use.action_on_exceed));
      perform public.rae_emit_event(case when v_threshold >= 1 then 'budget_exceeded' else 'budget_warning' end, v_data,
        project => coalesce(v_use.project, 'default'), source => 'budget-alerting', correlation_id => v_identity);
      v_faults := '{}';
      for v_channel in
        select c from public.cost_budgets b cross join jsonb_array_elements(b.channels) c
         where b.tenant_id = p_tenant and b.budget_id = v_use.budget_id
      loop
        begin
          perform public.rae_send_message(v_channel, case when v_threshold >= 1 then 'budget.exceeded' else 'budget.threshold' end, v_data,
            v_identity || ' ' || left(md5(v_channel::text), 12));
          messages := messages + 1;
        exception when invalid_parameter_value then
          -- One channel that is no longer taken keeps nobody else from being told.
          v_faults := v_faults || sqlerrm;
        end;
      end loop;
      if v_faults <> '{}' then
        unsendable := unsendable + cardinality(v_faults);
        update public.budget_alerts a set unsendable = v_faults
         where a.tenant_id = p_tenant and a.budget_id = v_use.budget_id and a.meter = v_use.meter and a.period = v_use.period
           and a.threshold = v_threshold;
      end if;
    end loop;
  end loop;
end
$$;

-- function: budget_step
-- takes tenant, operator settings
-- gives {more: notes are left, idle: never, counts {looked, alerts, messages, unsendable}}
-- again safe: notes go in the transaction that has looked at what they say
-- locks the notes it takes, the new alerts
-- index budget_notes_pkey, cost_budgets_pkey, budget_alerts_pkey, budget_reservations_age_idx
-- role rae_worker
create function {{budget_step}}(p_tenant uuid, p_settings jsonb)
  returns table (more boolean, idle boolean, counts jsonb)
  language plpgsql volatile security invoker
as $$
declare
  v_most constant int := (p_settings ->> 'step_notes')::int;
  v_projects text[];
  v_instants timestamptz[];
  v_period record;
  v_judged record;
  v_next timestamptz;
  v_looked int := 0;
  v_alerts int := 0;
  v_messages int := 0;
  v_unsendable int := 0;
begin
  with taken as (
    delete from public.budget_notes n
     where n.tenant_id = p_tenant and n.note_id = any (array(
       select o.note_id from public.budget_notes o where o.tenant_id = p_tenant order by o.note_id limit v_most))
    returning n.project, n.at)
  select array_agg(t.project::text), array_agg(t.at) into v_projects, v_instants from taken t;
  -- Statements of their own, so that they see every row whose note was taken.
  for v_period in
    select p.kind, b.budget_id, date_trunc(p.kind, n.at at time zone b.time_zone) as period, min(n.at) as at
      from unnest(v_projects, v_instants) n (project, at)
      join public.cost_budgets b on b.tenant_id = p_tenant and (b.project is null or b.project = n.project)
      cross join lateral (
        select 'day' where b.daily_limit_usd is not null or b.daily_tokens_limit is not null
        union all select 'month' where b.monthly_limit_usd is not null or b.monthly_tokens_limit is not null) p (kind)
     group by 1, 2, 3 order by 2, 1, 3
  loop
    select j.* into v_judged from {{budget_judge}}(p_tenant, v_period.at, array[v_period.budget_id], array[v_period.kind]) j;
    v_looked := v_looked + v_judged.looked;
    v_alerts := v_alerts + v_judged.alerts;
    v_messages := v_messages + v_judged.messages;
    v_unsendable := v_unsendable + v_judged.unsendable;
  end loop;
  if coalesce(cardinality(v_instants), 0) < v_most then
    -- The present periods besides: a budget was edited, something was reserved or corrected, a period has begun.
    select j.* into v_judged from {{budget_judge}}(p_tenant, null, null, '{day,month}') j;
    v_looked := v_looked + v_judged.looked;
    v_alerts := v_alerts + v_judged.alerts;
    v_messages := v_messages + v_judged.messages;
    v_unsendable := v_unsendable + v_judged.unsendable;
    delete from public.budget_reservations r
     where r.tenant_id = p_tenant and r.reservation_id = any (array(
       select o.reservation_id from public.budget_reservations o
        where o.tenant_id = p_tenant and o.lapses_at < statement_timestamp() - interval '7 days' order by o.lapses_at limit 1000));
    select min(p.to_at) into v_next from public.cost_budgets b
      cross join lateral public.rae_budget_period(
        case when b.daily_limit_usd is null and b.daily_tokens_limit is null then 'month' else 'day' end, b.time_zone, clock_timestamp()) p
     where b.tenant_id = p_tenant;
    if v_next is not null then perform public.rae_wake_at('budget-alerting', v_next); end if;
  end if;
  return query select coalesce(cardinality(v_instants), 0) >= v_most, false,
    jsonb_build_object('looked', v_looked, 'alerts', v_alerts, 'messages', v_messages, 'unsendable', v_unsendable);
end
$$;
