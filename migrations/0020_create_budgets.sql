-- why:      budgets: what a tenant and its projects may spend, what is reserved of it, which alerts went out, which model to use
-- locks:    cost_logs for a moment, for its triggers; new tables else
-- breaking: no

create table public.cost_budgets (
  tenant_id uuid not null,
  budget_id uuid not null default gen_random_uuid(),
  project varchar(255) check (length(project) > 0),
  monthly_limit_usd numeric check (monthly_limit_usd >= 0 and monthly_limit_usd < 1e12),
  daily_limit_usd numeric check (daily_limit_usd >= 0 and daily_limit_usd < 1e12),
  monthly_tokens_limit bigint check (monthly_tokens_limit >= 0),
  daily_tokens_limit bigint check (daily_tokens_limit >= 0),
  alert_thresholds numeric[] not null default '{0.8,0.9,0.95}',
  action_on_exceed text not null default 'block' check (action_on_exceed in ('block', 'alert_only')),
  time_zone text not null default 'UTC',
  channels jsonb not null default '[]',
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, budget_id),
  unique nulls not distinct (tenant_id, project)
);
comment on table public.cost_budgets is 'what may be spent in a month and a day; null limits are none';
comment on column public.cost_budgets.project is 'null = all of the tenant';
comment on column public.cost_budgets.alert_thresholds is 'shares of each limit that alert when they are reached; the limit itself always does';
call public.rae_guard_table('public.cost_budgets', false);

-- Insert-only for whoever logs costs, so that no call waits for another: when something was logged, to a quarter of an hour, which
-- the offsets of all time zones are multiples of. A late row is judged in the period that it belongs to, however long ago that was.
create table public.budget_notes (
  tenant_id uuid not null,
  note_id bigint generated always as identity,
  project varchar(255) not null,
  at timestamptz not null,
  primary key (tenant_id, note_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
comment on table public.budget_notes is 'cost logs that budgets have not been held against yet';
call public.rae_guard_table('public.budget_notes', false);

create table public.budget_alerts (
  tenant_id uuid not null,
  budget_id uuid not null,
  meter text not null check (meter in ('daily_usd', 'monthly_usd', 'daily_tokens', 'monthly_tokens')),
  period date not null,
  threshold numeric not null,
  project varchar(255),
  period_from timestamptz not null,
  period_to timestamptz not null,
  spent numeric not null,
  reserved numeric not null,
  limit_amount numeric not null,
  unknown_calls bigint not null,
  burn_rate_per_day numeric,
  exhausted_on date,
  unsendable text[] not null default '{}',
  alerted_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, budget_id, meter, period, threshold)
);
comment on table public.budget_alerts is 'which thresholds were reached: once per budget, limit, period and threshold, whatever happens afterwards';
comment on column public.budget_alerts.period is 'the local date on which the period begins: a change of the time zone makes no second one';
comment on column public.budget_alerts.unsendable is 'why a channel was given no message';
call public.rae_guard_table('public.budget_alerts', false);

create table public.budget_reservations (
  tenant_id uuid not null,
  reservation_id uuid not null default gen_random_uuid(),
  project varchar(255) not null,
  estimate_usd numeric not null check (estimate_usd >= 0 and estimate_usd < 1e12),
  estimate_tokens bigint not null default 0 check (estimate_tokens >= 0),
  made_at timestamptz not null default clock_timestamp(),
  lapses_at timestamptz not null,
  settled_at timestamptz,
  cost_hash bytea,
  primary key (tenant_id, reservation_id)
);
comment on table public.budget_reservations is 'what calls under way are thought to cost; open = not settled and not lapsed. A settled one has the id of its cost log';
call public.rae_guard_table('public.budget_reservations', false);
-- serves sums of what is open
create index budget_reservations_open_idx on public.budget_reservations (tenant_id, lapses_at) where settled_at is null;
-- serves housekeeping
create index budget_reservations_age_idx on public.budget_reservations (tenant_id, lapses_at);

-- A row that is written, and not an advisory lock: a caller in repeatable read, who would not see what others reserved
-- while it waited, fails with 40001 instead.
create table public.budget_gates (
  tenant_id uuid primary key,
  turn bigint not null default 0
) with (fillfactor = 50);
comment on table public.budget_gates is 'its row is the lock under which a tenant reserves, one call after another';
call public.rae_guard_table('public.budget_gates', false);

create table public.llm_profiles (
  tenant_id uuid primary key,
  default_model text not null check (length(default_model) between 1 and 255),
  fallback_chain text[] not null default '{}' check (cardinality(fallback_chain) <= 20 and array_position(fallback_chain, null) is null),
  budget_usd_monthly numeric check (budget_usd_monthly >= 0 and budget_usd_monthly < 1e12),
  enable_caching boolean not null default true,
  fallback_thresholds numeric[] not null default '{0.8,0.9,0.95}' check (cardinality(fallback_thresholds) <= 20 and array_position(fallback_thresholds, null) is null),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.llm_profiles is 'which model a tenant uses, and which instead when money runs short';
comment on column public.llm_profiles.fallback_thresholds is 'at each of these shares of the strictest limit the next model of the chain is used';
call public.rae_guard_table('public.llm_profiles', false);

create function public.rae_check_budget() returns trigger language plpgsql security invoker as $$
declare
  v_fault text;
  v_hint text;
  v_channel jsonb;
begin
  if array_ndims(new.alert_thresholds) > 1 or cardinality(new.alert_thresholds) > 20
      or exists (select from unnest(new.alert_thresholds) t where t is null or not (t > 0 and t <= 10)) then
    v_fault := format('alert_thresholds is %s; expected at most 20 shares of the limit, each above 0 and at most 10, such as 0.8', new.alert_thresholds);
  elsif jsonb_typeof(new.channels) <> 'array' or jsonb_array_length(new.channels) > 10 then
    v_fault := 'channels is not a list of at most 10 channels, such as [{"type": "email", "to": ["ops@acme.example"]}]';
  elsif tg_op = 'INSERT' or new.time_zone <> old.time_zone then
    -- Reads the server's files of zones: 20 ms and more.
    if new.time_zone <> 'UTC' and not exists (select from pg_catalog.pg_timezone_names z where z.name = new.time_zone) then
      v_fault := format('time_zone is %L; expected an IANA zone such as Europe/Berlin', left(new.time_zone, 100));
      select public.rae_nearest(new.time_zone, array_agg(z.name)) into v_hint from pg_catalog.pg_timezone_names z where z.name !~ '^posix';
    end if;
  end if;
  if v_fault is null then
    for v_channel in select c from jsonb_array_elements(new.channels) c loop
      v_fault := coalesce(v_fault, public.rae_channel_fault(v_channel));
    end loop;
  end if;
  if v_fault is not null then
    raise invalid_parameter_value using message = v_fault, hint = coalesce('did you mean ' || v_hint || '?', '');
  end if;
  select coalesce(array_agg(distinct trim_scale(t) order by trim_scale(t)), '{}') into new.alert_thresholds from unnest(new.alert_thresholds) t;
  if tg_op = 'UPDATE' then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
  end if;
  return new;
end
$$;
create trigger cost_budgets_check before insert on public.cost_budgets for each row execute function public.rae_check_budget();
create trigger cost_budgets_check_update before update on public.cost_budgets for each row
  when (old is distinct from new) execute function public.rae_check_budget();

create function public.rae_hint_budget() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) values (new.tenant_id, 'budget');
  return null;
end
$$;
create trigger cost_budgets_hint after insert or update on public.cost_budgets for each row execute function public.rae_hint_budget();

-- Only for tenants with a budget. One that is made meanwhile looks at its present period anyway.
create function public.rae_note_costs() returns trigger language plpgsql security invoker as $$
begin
  insert into public.budget_notes (tenant_id, project, at)
    select distinct a.tenant_id, a.project_id, date_bin('15 minutes', a."timestamp", '2000-01-01 00:00:00+00')
      from added a
     where isfinite(a."timestamp") and exists (select from public.cost_budgets b where b.tenant_id = a.tenant_id);
  if tg_op = 'UPDATE' then
    insert into public.due_hints (tenant_id, kind) select distinct a.tenant_id, 'cost_log' from added a;
  end if;
  return null;
end
$$;
create trigger cost_logs_note after insert on public.cost_logs
  referencing new table as added for each statement execute function public.rae_note_costs();
-- A correction, or a price that has become known.
create trigger cost_logs_note_update after update on public.cost_logs
  referencing new table as added for each statement execute function public.rae_note_costs();

-- The first instant of a local day.
create function public.rae_local_start(day timestamp, zone text) returns timestamptz
  language plpgsql immutable parallel safe security invoker
as $$
declare
  v_at constant timestamptz := day at time zone zone;
begin
  -- Where clocks go back over midnight it comes twice, and Postgres means the second.
  if (v_at - interval '1 hour') at time zone zone >= day then return v_at - interval '1 hour'; end if;
  if (v_at - interval '30 minutes') at time zone zone >= day then return v_at - interval '30 minutes'; end if;
  return v_at;
end
$$;

-- The local day or month in which an instant lies: the date it begins on, and its bounds.
create function public.rae_budget_period(kind text, zone text, at timestamptz, out period date, out from_at timestamptz, out to_at timestamptz)
  language plpgsql immutable parallel safe security invoker
as $$
declare
  v_first constant timestamp := date_trunc(kind, at at time zone zone);
begin
  period := v_first::date;
  from_at := public.rae_local_start(v_first, zone);
  to_at := public.rae_local_start(v_first + ('1 ' || kind)::interval, zone);
end
$$;

-- How fast it is spent, and the local day on which nothing will be left, at the pace of the period so far; null = not within the period.
create function public.rae_budget_forecast(spent numeric, reserved numeric, limit_amount numeric, from_at timestamptz, to_at timestamptz,
    at timestamptz, zone text, out burn_rate_per_day numeric, out exhausted_on date)
  language plpgsql immutable parallel safe security invoker
as $$
declare
  v_until constant timestamptz := least(at, to_at);
  -- The first moments of a period tell nothing about its pace.
  v_seconds constant numeric := greatest(extract(epoch from v_until - from_at), 3600);
  v_whole constant numeric := extract(epoch from to_at - from_at);
  v_reach numeric;
begin
  if at < from_at then return; end if;
  burn_rate_per_day := round(spent * 86400 / v_seconds, 6);
  if spent + reserved >= limit_amount then
    exhausted_on := (least(at, to_at - interval '1 microsecond') at time zone zone)::date;
  elsif spent > 0 then
    v_reach := v_seconds * (limit_amount - reserved) / spent;
    if v_reach < v_whole then
      exhausted_on := ((from_at + v_reach::float8 * interval '1 second') at time zone zone)::date;
    end if;
  end if;
end
$$;

-- What was spent of [from_at, to_at), by a project or with null by all of the tenant: out of the rows alone.
create function public.rae_spend(project text, from_at timestamptz, to_at timestamptz)
  returns table (cost_usd numeric, tokens bigint, calls bigint, unknown_calls bigint)
  language sql stable parallel safe security invoker
as $$
  select coalesce(sum(c.total_cost_usd), 0), coalesce(sum(c.total_tokens), 0)::bigint, count(*), count(*) filter (where c.total_cost_usd is null)
    from public.cost_logs c
   where c.tenant_id = public.rae_current_tenant() and c."timestamp" >= from_at and c."timestamp" < to_at
     and (rae_spend.project is null or c.project_id = rae_spend.project)
$$;
revoke all on function public.rae_spend(text, timestamptz, timestamptz) from public;
grant execute on function public.rae_spend(text, timestamptz, timestamptz) to rae_worker, rae_api;

-- Each limit of the current tenant's budgets (all, or those named) in the period that `at` lies in (null = now): what was
-- logged, and what is reserved where the period is the present one. One snapshot: it is stable, and so is what it calls, so
-- that a call which is settled meanwhile is counted once, as reserved or as logged.
create function public.rae_budget_usage(at timestamptz default null, budgets uuid[] default null, kinds text[] default '{day,month}')
  returns table (budget_id uuid, project text, meter text, period date, from_at timestamptz, to_at timestamptz, limit_amount numeric,
    spent numeric, reserved numeric, unknown_calls bigint, action_on_exceed text, alert_thresholds numeric[], time_zone text,
    burn_rate_per_day numeric, exhausted_on date)
  language plpgsql stable parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_at constant timestamptz := coalesce(rae_budget_usage.at, v_now);
  v_budget public.cost_budgets;
  v_kind text;
  v_usd numeric;
  v_tokens bigint;
  v_spend record;
  v_open record;
begin
  for v_budget in
    select b.* from public.cost_budgets b
     where b.tenant_id = v_tenant and (budgets is null or b.budget_id = any (budgets)) order by b.project nulls first
  loop
    foreach v_kind in array kinds loop
      v_usd := case v_kind when 'day' then v_budget.daily_limit_usd else v_budget.monthly_limit_usd end;
      v_tokens := case v_kind when 'day' then v_budget.daily_tokens_limit else v_budget.monthly_tokens_limit end;
      continue when v_usd is null and v_tokens is null;
      budget_id := v_budget.budget_id;
      project := v_budget.project;
      action_on_exceed := v_budget.action_on_exceed;
      alert_thresholds := v_budget.alert_thresholds;
      time_zone := v_budget.time_zone;
      select p.* into period, from_at, to_at from public.rae_budget_period(v_kind, v_budget.time_zone, v_at) p;
      select s.cost_usd, s.tokens, s.unknown_calls as unknown into v_spend from public.rae_spend(v_budget.project, from_at, to_at) s;
      -- What is reserved will be logged at about the present, whenever it was reserved.
      select coalesce(sum(r.estimate_usd), 0) as usd, coalesce(sum(r.estimate_tokens), 0) as tokens into v_open
        from public.budget_reservations r
       where v_now >= from_at and v_now < to_at and r.tenant_id = v_tenant and r.settled_at is null and r.lapses_at > v_now
         and (v_budget.project is null or r.project = v_budget.project);
      unknown_calls := v_spend.unknown;
      if v_usd is not null then
        meter := case v_kind when 'day' then 'daily_usd' else 'monthly_usd' end;
        limit_amount := v_usd;
        spent := v_spend.cost_usd;
        reserved := v_open.usd;
        select f.* into burn_rate_per_day, exhausted_on
          from public.rae_budget_forecast(spent, reserved, limit_amount, from_at, to_at, v_now, time_zone) f;
        return next;
      end if;
      if v_tokens is not null then
        meter := case v_kind when 'day' then 'daily_tokens' else 'monthly_tokens' end;
        limit_amount := v_tokens;
        spent := v_spend.tokens;
        reserved := v_open.tokens;
        select f.* into burn_rate_per_day, exhausted_on
          from public.rae_budget_forecast(spent, reserved, limit_amount, from_at, to_at, v_now, time_zone) f;
        return next;
      end if;
    end loop;
  end loop;
end
$$;

-- Whether a call may be made, as rae_budget_allows says it; crosses = it would reach a threshold.
create function public.rae_budget_decide(estimate_usd numeric, project text, estimate_tokens bigint,
    out allowed boolean, out reason text, out remaining_usd numeric, out crosses boolean)
  language plpgsql stable parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_project constant text := coalesce(project, 'default');
  v_budgets uuid[];
begin
  crosses := false;
  if rae_budget_decide.estimate_usd is null or not (rae_budget_decide.estimate_usd >= 0 and rae_budget_decide.estimate_usd < 1e12)
      or rae_budget_decide.estimate_tokens is null or rae_budget_decide.estimate_tokens < 0 then
    allowed := false;
    reason := 'estimate_invalid';
    return;
  end if;
  select array_agg(b.budget_id) into v_budgets from public.cost_budgets b
   where b.tenant_id = v_tenant and (b.project is null or b.project = v_project);
  if v_budgets is null then
    allowed := true;
    reason := 'no_budget';
    return;
  end if;
  select coalesce(bool_and(not (l.over and l.action_on_exceed = 'block')), true),
         coalesce(
           (array_agg(case when l.project is null then '' else 'project_' end || l.meter
              order by array_position(array['daily_usd', 'monthly_usd', 'daily_tokens', 'monthly_tokens'], l.meter), l.project nulls first)
              filter (where l.over and l.action_on_exceed = 'block'))[1],
           case when bool_or(l.over) then 'alert_only' when count(*) = 0 then 'no_budget' else 'within_budget' end),
         min(l.limit_amount - l.used) filter (where l.is_usd),
         coalesce(bool_or(l.reaches), false)
    into allowed, reason, remaining_usd, crosses
    from (
      select u.*, m.used, m.is_usd,
             -- What fits exactly passes. A call has tokens, even if nobody said how many.
             m.used + case when m.is_usd then m.adds else greatest(m.adds, 1) end > u.limit_amount as over,
             exists (select from unnest(u.alert_thresholds || 1::numeric) t
                      where m.used < t * u.limit_amount and m.used + m.adds >= t * u.limit_amount) as reaches
        from public.rae_budget_usage(null, v_budgets) u
        cross join lateral (select u.meter like '%usd' as is_usd, u.spent + u.reserved as used,
          case when u.meter like '%usd' then rae_budget_decide.estimate_usd else rae_budget_decide.estimate_tokens end as adds) m) l;
end
$$;

-- Whether the current tenant may spend so much now on a call for a project (null = 'default'). Reads only, by index only, and
-- locks nothing: who must not overshoot reserves. Where it cannot look it answers no, and says that.
create function public.rae_budget_allows(estimate_usd numeric, project text, estimate_tokens bigint)
  returns table (allowed boolean, reason text, remaining_usd numeric)
  language plpgsql stable parallel unsafe security invoker
as $$
begin
  return query select d.allowed, d.reason, d.remaining_usd
    from public.rae_budget_decide(rae_budget_allows.estimate_usd, rae_budget_allows.project, rae_budget_allows.estimate_tokens) d;
exception
  -- No tenant is a mistake of the caller's, and what the server asks to be tried again is.
  when insufficient_privilege then
    perform public.rae_current_tenant();
    return query select false, 'check_failed', null::numeric;
  when transaction_rollback then raise;
  when others then
    raise warning 'the budget could not be looked at: % (%)', sqlerrm, sqlstate;
    return query select false, 'check_failed', null::numeric;
end
$$;
create function public.rae_budget_allows(estimate_usd numeric, project text default null)
  returns table (allowed boolean, reason text, remaining_usd numeric)
  language sql stable parallel unsafe security invoker
as $$
  select a.allowed, a.reason, a.remaining_usd from public.rae_budget_allows(estimate_usd, project, 0::bigint) a
$$;

-- Keeps so much of what is left for a call of the current tenant that is about to be made; gives what it is settled by. Callers
-- of one tenant go one after another until they commit: commit before the call is made. Refuses with SQLSTATE 53400.
create function public.rae_budget_reserve(estimate_usd numeric, project text, estimate_tokens bigint, lapses_after interval) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_project constant text := coalesce(rae_budget_reserve.project, 'default');
  v_answer record;
  v_id uuid;
begin
  if rae_budget_reserve.estimate_usd is null or not (rae_budget_reserve.estimate_usd >= 0 and rae_budget_reserve.estimate_usd < 1e12) then
    raise invalid_parameter_value using message = format('the estimate is %s US dollars; expected a number from 0 to below 1e12',
      coalesce(rae_budget_reserve.estimate_usd::text, 'null'));
  end if;
  if rae_budget_reserve.estimate_tokens is null or rae_budget_reserve.estimate_tokens < 0 then
    raise invalid_parameter_value using message = format('the estimate is %s tokens; expected a whole number from 0',
      coalesce(rae_budget_reserve.estimate_tokens::text, 'null'));
  end if;
  if length(v_project) not between 1 and 255 then
    raise invalid_parameter_value using message = format('the project''s name has %s characters; expected 1 to 255', length(v_project));
  end if;
  if lapses_after is null or not (lapses_after between interval '1 second' and interval '1 day') then
    raise invalid_parameter_value using
      message = format('lapses_after is %s; expected from 1 second to 1 day', coalesce(lapses_after::text, 'null'));
  end if;
  if exists (select from public.cost_budgets b where b.tenant_id = v_tenant) then
    insert into public.budget_gates as g (tenant_id) values (v_tenant) on conflict (tenant_id) do update set turn = g.turn + 1;
    -- A statement of its own, so that it sees what whoever held the gate before has committed.
    select d.* into v_answer from public.rae_budget_decide(rae_budget_reserve.estimate_usd, v_project, rae_budget_reserve.estimate_tokens) d;
    if not v_answer.allowed then
      raise configuration_limit_exceeded using
        message = format('the budget does not allow it: %s', v_answer.reason),
        detail = format('asked for %s US dollars, %s left', rae_budget_reserve.estimate_usd, coalesce(v_answer.remaining_usd::text, 'no limit in dollars')),
        hint = 'see rae_budget_allows for the reasons; a new period, a raised limit or a correction unblocks at once';
    end if;
    if v_answer.crosses then
      insert into public.due_hints (tenant_id, kind) values (v_tenant, 'budget');
    end if;
  end if;
  insert into public.budget_reservations as r (tenant_id, project, estimate_usd, estimate_tokens, lapses_at)
    values (v_tenant, v_project, rae_budget_reserve.estimate_usd, rae_budget_reserve.estimate_tokens, pg_catalog.clock_timestamp() + lapses_after)
    returning r.reservation_id into v_id;
  return v_id;
end
$$;
create function public.rae_budget_reserve(estimate_usd numeric, project text default null) returns uuid
  language sql volatile parallel unsafe security invoker
as $$
  select public.rae_budget_reserve(estimate_usd, project, 0::bigint, interval '15 minutes')
$$;

-- Writes the cost log of a call that was reserved for, and closes the reservation. `cost` has columns of cost_logs by name.
-- Gives the cost log's id, which is the reservation's; the same once more changes nothing.
create function public.rae_budget_settle(reservation uuid, cost jsonb) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  c_by_itself constant text := 'nothing was written; log the call by itself: insert into cost_logs (…)';
  v_hash bytea;
  v_open public.budget_reservations;
  v_names text[];
  v_columns text;
  v_field record;
begin
  if jsonb_typeof(cost) is distinct from 'object' then
    raise invalid_parameter_value using message = format('the cost is %s; expected a JSON object', coalesce(jsonb_typeof(cost), 'null'));
  end if;
  v_hash := sha256(convert_to(cost::text, 'UTF8'));
  select r.* into v_open from public.budget_reservations r where r.tenant_id = v_tenant and r.reservation_id = reservation for update;
  if not found then
    raise no_data_found using message = format('there is no reservation %s', coalesce(reservation::text, 'null')),
      hint = 'it may be another tenant''s, or older than the 7 days that reservations are kept; ' || c_by_itself;
  end if;
  if v_open.settled_at is not null then
    if v_open.cost_hash = v_hash then return reservation; end if;
    raise object_not_in_prerequisite_state using
      message = format('the reservation %s was settled at %s, with other figures', reservation, v_open.settled_at),
      hint = 'a correction is an update of its cost log, which has the same id';
  end if;
  if v_open.lapses_at <= pg_catalog.clock_timestamp() then
    raise object_not_in_prerequisite_state using
      message = format('the reservation %s lapsed at %s', reservation, v_open.lapses_at), hint = c_by_itself;
  end if;
  select array_agg(a.attname::text) into v_names from pg_catalog.pg_attribute a
   where a.attrelid = 'public.cost_logs'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname not in ('tenant_id', 'id');
  for v_field in
    select c.key, c.value, y.typcategory as category, format_type(a.atttypid, null) as type
      from jsonb_each(cost) c
      left join pg_catalog.pg_attribute a on a.attrelid = 'public.cost_logs'::regclass and a.attname = c.key and a.attname = any (v_names)
      left join pg_catalog.pg_type y on y.oid = a.atttypid
  loop
    if v_field.category is null then
      raise invalid_parameter_value using message = format('the cost has a field %s, which cost logs do not have', quote_literal(left(v_field.key, 100))),
        hint = coalesce('did you mean ' || public.rae_nearest(v_field.key, v_names) || '?', 'there are: ' || array_to_string(v_names, ', '));
    end if;
    -- Money may be text, as languages with decimals send it.
    if jsonb_typeof(v_field.value) <> 'null' and (case v_field.category
        when 'N' then jsonb_typeof(v_field.value) <> 'number' and not (jsonb_typeof(v_field.value) = 'string' and v_field.value #>> '{}' ~ '^[0-9]{1,12}(\.[0-9]+)?$')
        when 'B' then jsonb_typeof(v_field.value) <> 'boolean'
        when 'S' then jsonb_typeof(v_field.value) <> 'string'
        when 'D' then jsonb_typeof(v_field.value) <> 'string'
        else false end) then
      raise invalid_parameter_value using message = format('%s is %s; expected %s', v_field.key, left(v_field.value::text, 60), v_field.type);
    end if;
  end loop;
  select string_agg(n, ', ') into v_columns from unnest(array['model', 'provider', 'operation']) n where cost ->> n is null;
  if v_columns is not null then
    raise invalid_parameter_value using message = format('the cost lacks %s', v_columns),
      hint = 'expected for example {"model": "gpt-4o", "provider": "openai", "operation": "query", "input_tokens": 900, "output_tokens": 120}';
  end if;
  if coalesce(cost ->> 'project_id', v_open.project) <> v_open.project then
    raise invalid_parameter_value using
      message = format('project_id is %s; it was reserved for %s', quote_literal(left(cost ->> 'project_id', 100)), quote_literal(v_open.project));
  end if;
  -- What is not given has the default of its column.
  select coalesce(string_agg(quote_ident(k), ', ' order by k), '') into v_columns
    from jsonb_object_keys(cost) k where k <> 'project_id' and jsonb_typeof(cost -> k) <> 'null';
  execute format('insert into public.cost_logs (tenant_id, id, project_id, %1$s) select $1, $2, $3, %1$s from jsonb_populate_record(null::public.cost_logs, $4)',
    v_columns) using v_tenant, reservation, v_open.project, cost;
  update public.budget_reservations r set settled_at = pg_catalog.clock_timestamp(), cost_hash = v_hash
   where r.tenant_id = v_tenant and r.reservation_id = reservation;
  return reservation;
end
$$;

-- The model that the current tenant is to use now for a project. reason begins with one word of: no_profile, no_limit,
-- below_thresholds, budget_threshold, profile_threshold, budget_blocks (then model is null).
create function public.rae_llm_profile(project text) returns table (model text, reason text)
  language plpgsql stable parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_profile public.llm_profiles;
  v_budgets uuid[];
  v_month record;
  v_limit record;
  v_step int;
begin
  select p.* into v_profile from public.llm_profiles p where p.tenant_id = v_tenant;
  if not found then
    return query select null::text, 'no_profile';
    return;
  end if;
  select array_agg(b.budget_id) into v_budgets from public.cost_budgets b
   where b.tenant_id = v_tenant and (b.project is null or b.project = coalesce(rae_llm_profile.project, 'default'));
  select p.* into v_month from public.rae_budget_period('month', 'UTC', pg_catalog.clock_timestamp()) p;
  with limits as (
    select case when u.project is null then '' else 'project_' end || u.meter as name, u.spent + u.reserved as used, u.limit_amount,
           u.action_on_exceed = 'block' and u.spent + u.reserved >= u.limit_amount as blocks, true as of_budget
      from public.rae_budget_usage(null, v_budgets) u where v_budgets is not null
    union all
    select 'budget_usd_monthly', s.cost_usd + (select coalesce(sum(r.estimate_usd), 0) from public.budget_reservations r
             where r.tenant_id = v_tenant and r.settled_at is null and r.lapses_at > pg_catalog.statement_timestamp()),
           v_profile.budget_usd_monthly, false, false
      from public.rae_spend(null, v_month.from_at, v_month.to_at) s where v_profile.budget_usd_monthly is not null)
  -- The strictest is the one of which least is left, by share.
  select l.*, case when l.limit_amount > 0 then l.used / l.limit_amount else 1 end as share into v_limit
    from limits l order by l.blocks desc, share desc, l.of_budget desc limit 1;
  if not found then
    return query select v_profile.default_model::text, 'no_limit';
    return;
  end if;
  if v_limit.blocks then
    return query select null::text, format('budget_blocks: %s of %s %s', round(v_limit.used, 6), v_limit.limit_amount, v_limit.name);
    return;
  end if;
  select count(*) into v_step from unnest(v_profile.fallback_thresholds) t where t <= v_limit.share;
  return query select
    ((array[v_profile.default_model::text] || v_profile.fallback_chain))[1 + least(v_step, cardinality(v_profile.fallback_chain))],
    format('%s: %s of %s %s',
      case when v_step = 0 then 'below_thresholds' when v_limit.of_budget then 'budget_threshold' else 'profile_threshold' end,
      round(v_limit.used, 6), v_limit.limit_amount, v_limit.name);
end
$$;
create function public.rae_llm_profile() returns table (model text, reason text)
  language sql stable parallel unsafe security invoker
as $$
  select p.model, p.reason from public.rae_llm_profile(null) p
$$;

-- Makes or changes the budget of a project, or with null that of all the tenant. A field that is left out stays as it is; null
-- gives it its default. Gives the budget's id.
create function public.rae_budget_set(document jsonb, project text default null) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  c_defaults constant jsonb := '{"monthly_limit_usd": null, "daily_limit_usd": null, "monthly_tokens_limit": null, "daily_tokens_limit": null,
    "alert_thresholds": [0.8, 0.9, 0.95], "action_on_exceed": "block", "time_zone": "UTC", "channels": []}';
  v_fields constant text[] := array(select jsonb_object_keys(c_defaults));
  v_field record;
  v_expected text;
  v_new jsonb;
  v_id uuid;
begin
  if jsonb_typeof(document) is distinct from 'object' then
    raise invalid_parameter_value using message = format('the budget is %s; expected a JSON object', coalesce(jsonb_typeof(document), 'null'));
  end if;
  if length(rae_budget_set.project) not between 1 and 255 then
    raise invalid_parameter_value using message = format('the project''s name has %s characters; expected 1 to 255', length(rae_budget_set.project));
  end if;
  for v_field in select d.key, d.value from jsonb_each(document) d loop
    if not v_field.key = any (v_fields) then
      raise invalid_parameter_value using message = format('a budget has no field %s', quote_literal(left(v_field.key, 100))),
        hint = coalesce('did you mean ' || public.rae_nearest(v_field.key, v_fields) || '?', 'there are: ' || array_to_string(v_fields, ', '));
    end if;
    v_expected := case
      when jsonb_typeof(v_field.value) = 'null' then null
      when v_field.key like '%usd' and (jsonb_typeof(v_field.value) <> 'number' or (v_field.value #>> '{}')::numeric not between 0 and 999999999999)
        then 'a number of US dollars from 0 to below 1e12, or null for no limit'
      when v_field.key like '%tokens_limit' and (jsonb_typeof(v_field.value) <> 'number' or (v_field.value #>> '{}')::numeric not between 0 and 1e15
          or (v_field.value #>> '{}')::numeric % 1 <> 0) then 'a whole number of tokens from 0 to 1e15, or null for no limit'
      when v_field.key = 'alert_thresholds' and (jsonb_typeof(v_field.value) <> 'array' or exists (
          select from jsonb_array_elements(v_field.value) t where jsonb_typeof(t) <> 'number')) then 'a list of shares of the limit such as [0.8, 0.9]'
      when v_field.key = 'action_on_exceed' and v_field.value not in ('"block"', '"alert_only"') then '"block" or "alert_only"'
      when v_field.key = 'time_zone' and jsonb_typeof(v_field.value) <> 'string' then 'an IANA zone such as "Europe/Berlin"'
      when v_field.key = 'channels' and jsonb_typeof(v_field.value) <> 'array' then 'a list of channels' end;
    if v_expected is not null then
      -- The address of a channel may carry a secret: it is not repeated.
      raise invalid_parameter_value using message = format('%s is %s; expected %s', v_field.key,
        case when v_field.key = 'channels' then jsonb_typeof(v_field.value) else left(v_field.value::text, 60) end, v_expected);
    end if;
  end loop;
  -- Whoever else makes it at the same time is waited for.
  insert into public.cost_budgets (tenant_id, project) values (v_tenant, rae_budget_set.project) on conflict (tenant_id, project) do nothing;
  select b.budget_id, c_defaults || to_jsonb(b) || document into v_id, v_new from public.cost_budgets b
   where b.tenant_id = v_tenant and b.project is not distinct from rae_budget_set.project for update;
  select v_new || coalesce(jsonb_object_agg(d.key, d.value), '{}') into v_new from jsonb_each(c_defaults) d where jsonb_typeof(v_new -> d.key) = 'null';
  update public.cost_budgets b
     set monthly_limit_usd = n.monthly_limit_usd, daily_limit_usd = n.daily_limit_usd, monthly_tokens_limit = n.monthly_tokens_limit,
         daily_tokens_limit = n.daily_tokens_limit, alert_thresholds = n.alert_thresholds, action_on_exceed = n.action_on_exceed,
         time_zone = n.time_zone, channels = n.channels
    from jsonb_populate_record(null::public.cost_budgets, v_new) n
   where b.tenant_id = v_tenant and b.budget_id = v_id;
  return v_id;
end
$$;

revoke all on function public.rae_local_start(timestamp, text), public.rae_budget_period(text, text, timestamptz),
  public.rae_budget_forecast(numeric, numeric, numeric, timestamptz, timestamptz, timestamptz, text),
  public.rae_budget_usage(timestamptz, uuid[], text[]), public.rae_budget_decide(numeric, text, bigint),
  public.rae_budget_allows(numeric, text, bigint), public.rae_budget_allows(numeric, text),
  public.rae_budget_reserve(numeric, text, bigint, interval), public.rae_budget_reserve(numeric, text),
  public.rae_budget_settle(uuid, jsonb), public.rae_llm_profile(text), public.rae_llm_profile(), public.rae_budget_set(jsonb, text) from public;
grant execute on function public.rae_local_start(timestamp, text), public.rae_budget_period(text, text, timestamptz),
  public.rae_budget_forecast(numeric, numeric, numeric, timestamptz, timestamptz, timestamptz, text),
  public.rae_budget_usage(timestamptz, uuid[], text[]), public.rae_budget_decide(numeric, text, bigint),
  public.rae_budget_allows(numeric, text, bigint), public.rae_budget_allows(numeric, text),
  public.rae_budget_reserve(numeric, text, bigint, interval), public.rae_budget_reserve(numeric, text),
  public.rae_budget_settle(uuid, jsonb), public.rae_llm_profile(text), public.rae_llm_profile() to rae_worker, rae_api;
grant execute on function public.rae_budget_set(jsonb, text) to rae_api;

grant select on public.cost_budgets to rae_worker;
grant select, insert, update, delete on public.cost_budgets to rae_api;
grant select, insert, delete on public.budget_notes to rae_worker;
grant insert on public.budget_notes to rae_api;
grant select, insert, update (unsendable) on public.budget_alerts to rae_worker;
grant select on public.budget_alerts to rae_api;
grant select, insert, update (settled_at, cost_hash), delete on public.budget_reservations to rae_worker;
grant select, insert, update (settled_at, cost_hash) on public.budget_reservations to rae_api;
grant select, insert, update on public.budget_gates to rae_worker, rae_api;
grant select on public.llm_profiles to rae_worker;
grant select, insert, update, delete on public.llm_profiles to rae_api;
