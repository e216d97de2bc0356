-- why:      what calls cost, summed by hour, day and month, and the prices that a call without a cost of its own is given
-- locks:    cost_logs is rewritten for its new columns and scanned once for what is to be summed; due_hints and new tables else
-- breaking: no

-- Prices belong to the fleet. A name stands for itself and for every model whose name begins with it: the longest one counts.
create table public.model_prices (
  model varchar(255) collate "C" not null check (length(model) > 0),
  valid_from timestamptz not null default '2020-01-01 00:00:00+00' check (isfinite(valid_from)),
  input_per_million numeric not null check (input_per_million >= 0 and input_per_million < 1e12),
  output_per_million numeric not null check (output_per_million >= 0 and output_per_million < 1e12),
  cached_input_per_million numeric check (cached_input_per_million >= 0 and cached_input_per_million < 1e12),
  primary key (model, valid_from)
);
comment on table public.model_prices is 'US dollars per million tokens from an instant on; cached_input null = as input';

create table public.price_book (
  name text primary key,
  version bigint not null
);
comment on table public.price_book is 'counts the changes of model_prices, one transaction after another';
insert into public.price_book (name, version) values ('model_prices', 1);

-- The price of a model at an instant: of the names it begins with, its own among them, the longest that has a price then.
create function public.rae_price(model text, at timestamptz)
  returns table (matched text, input_per_million numeric, output_per_million numeric, cached_input_per_million numeric)
  language sql stable parallel safe security invoker
as $$
  select p.model, p.input_per_million, p.output_per_million, coalesce(p.cached_input_per_million, p.input_per_million)
    from public.model_prices p
   where p.model = any (array(select left(rae_price.model, n) from generate_series(1, length(rae_price.model)) n)) and p.valid_from <= rae_price.at
   order by length(p.model) desc, p.valid_from desc limit 1
$$;

-- A cost that is not known is null, and never 0. What was saved by cached tokens: what they would have cost as input, less what
-- was paid for them, which is nothing where the call was answered from the cache (cache_hit), else the cached price.
alter table public.cost_logs
  alter column total_cost_usd drop not null,
  alter column total_cost_usd drop default,
  add column cached_input_cost_per_million numeric check (cached_input_cost_per_million >= 0 and cached_input_cost_per_million < 1e12),
  add column cache_saved_usd numeric generated always as (
    case when cache_tokens_saved > 0 and input_cost_per_million > 0 then round(case when cache_hit
      then cache_tokens_saved * input_cost_per_million
      else least(cache_tokens_saved, input_tokens) * greatest(0, input_cost_per_million - coalesce(cached_input_cost_per_million, input_cost_per_million))
      end / 1000000, 6) else 0 end) stored;
comment on column public.cost_logs.total_cost_usd is 'what the writer says, else by the rates of the row, else by model_prices; null = no price is known';
comment on column public.cost_logs.cached_input_cost_per_million is 'price of input that the provider had cached; null = as other input';
-- serves back-filling: what has no cost yet
create index cost_logs_unknown_idx on public.cost_logs (tenant_id, model, "timestamp", id) where total_cost_usd is null;

create function public.rae_price_cost_log() returns trigger language plpgsql security invoker as $$
declare
  v_price record;
  v_known boolean := new.input_cost_per_million > 0 or new.output_cost_per_million > 0;
  v_cached bigint;
begin
  if not v_known then
    select p.* into v_price from public.rae_price(new.model, new."timestamp") p;
    if v_price.matched is not null then
      v_known := true;
      new.input_cost_per_million := v_price.input_per_million;
      new.output_cost_per_million := v_price.output_per_million;
      new.cached_input_cost_per_million := v_price.cached_input_per_million;
    end if;
  end if;
  if new.total_cost_usd is null then
    if new.cache_hit then
      new.total_cost_usd := 0;
    elsif v_known then
      v_cached := least(greatest(new.cache_tokens_saved, 0), new.input_tokens);
      new.total_cost_usd := round(((new.input_tokens - v_cached) * new.input_cost_per_million
        + v_cached * coalesce(new.cached_input_cost_per_million, new.input_cost_per_million)
        + new.output_tokens * new.output_cost_per_million) / 1000000, 6);
    end if;
  end if;
  return new;
end
$$;
create trigger cost_logs_price before insert or update on public.cost_logs for each row
  when (new.total_cost_usd is null or new.cache_tokens_saved > 0 and new.input_cost_per_million = 0 and new.output_cost_per_million = 0)
  execute function public.rae_price_cost_log();


create table public.cost_rollups_hourly (
  tenant_id uuid not null,
  hour timestamptz not null,
  project varchar(255) not null,
  provider varchar(100) not null,
  model varchar(255) not null,
  operation varchar(100) not null,
  calls bigint not null,
  errors bigint not null,
  unknown_calls bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null generated always as (input_tokens + output_tokens) stored,
  cost_usd numeric not null,
  cache_hits bigint not null,
  tokens_saved bigint not null,
  saved_usd numeric not null,
  primary key (tenant_id, hour, project, provider, model, operation)
) with (fillfactor = 85);
comment on table public.cost_rollups_hourly is 'what calls cost in an hour; outlives the logs';
call public.rae_guard_table('public.cost_rollups_hourly', false);

create table public.cost_rollups_daily (
  tenant_id uuid not null,
  day date not null,
  project varchar(255) not null,
  provider varchar(100) not null,
  model varchar(255) not null,
  operation varchar(100) not null,
  calls bigint not null,
  errors bigint not null,
  unknown_calls bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null generated always as (input_tokens + output_tokens) stored,
  cost_usd numeric not null,
  cache_hits bigint not null,
  tokens_saved bigint not null,
  saved_usd numeric not null,
  primary key (tenant_id, day, project, provider, model, operation)
) with (fillfactor = 85);
comment on table public.cost_rollups_daily is 'what calls cost on a day of UTC; outlives the logs';
call public.rae_guard_table('public.cost_rollups_daily', false);

create table public.cost_rollups_monthly (
  tenant_id uuid not null,
  month date not null,
  project varchar(255) not null,
  provider varchar(100) not null,
  model varchar(255) not null,
  operation varchar(100) not null,
  calls bigint not null,
  errors bigint not null,
  unknown_calls bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null generated always as (input_tokens + output_tokens) stored,
  cost_usd numeric not null,
  cache_hits bigint not null,
  tokens_saved bigint not null,
  saved_usd numeric not null,
  primary key (tenant_id, month, project, provider, model, operation)
) with (fillfactor = 85);
comment on table public.cost_rollups_monthly is 'what calls cost in a month of UTC, by its first day; outlives the logs';
call public.rae_guard_table('public.cost_rollups_monthly', false);

create table public.cost_adjustments (
  tenant_id uuid not null,
  hour timestamptz not null,
  project varchar(255) not null,
  provider varchar(100) not null,
  model varchar(255) not null,
  operation varchar(100) not null,
  calls bigint not null,
  errors bigint not null,
  unknown_calls bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null generated always as (input_tokens + output_tokens) stored,
  cost_usd numeric not null,
  cache_hits bigint not null,
  tokens_saved bigint not null,
  saved_usd numeric not null,
  primary key (tenant_id, hour, project, provider, model, operation)
) with (fillfactor = 85);
comment on table public.cost_adjustments is 'what retention has removed from the logs: rollups = logs + adjustments';
call public.rae_guard_table('public.cost_adjustments', false);

-- Insert-only for whoever logs costs: no call waits for another. Taken out by the very statement that adds it to the rollups.
create table public.cost_deltas (
  tenant_id uuid not null,
  delta_id bigint generated always as identity,
  hour timestamptz not null,
  project varchar(255) not null,
  provider varchar(100) not null,
  model varchar(255) not null,
  operation varchar(100) not null,
  calls bigint not null,
  errors bigint not null,
  unknown_calls bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cost_usd numeric not null,
  cache_hits bigint not null,
  tokens_saved bigint not null,
  saved_usd numeric not null,
  primary key (tenant_id, delta_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
comment on table public.cost_deltas is 'changes of cost_logs that the rollups do not hold yet';
call public.rae_guard_table('public.cost_deltas', false);

create table public.cost_unknowns (
  tenant_id uuid primary key,
  calls bigint not null,
  price_version bigint
);
comment on table public.cost_unknowns is 'tenants with calls whose cost is not known, how many, and with which version of price_book they were last tried; null = with none';
call public.rae_guard_table('public.cost_unknowns', true);

-- A new price is tried by those tenants alone that have calls without one.
create function public.rae_note_prices() returns trigger language plpgsql security invoker as $$
begin
  -- A run that is trying the prices now either is over when its tenant is looked for, or waits and finds the new ones.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('rae prices', 0));
  update public.price_book set version = version + 1 where name = 'model_prices';
  insert into public.due_hints (tenant_id, kind) select u.tenant_id, 'price' from public.cost_unknowns u;
  return null;
end
$$;
create trigger model_prices_note after insert or update or delete on public.model_prices
  for each statement execute function public.rae_note_prices();

-- One row per statement and group, and not per log: a COPY of a million rows costs as many rows as it has groups.
create function public.rae_note_cost_logs() returns trigger language plpgsql security invoker as $$
begin
  if tg_op = 'INSERT' then
    insert into public.cost_deltas (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
    select a.tenant_id, date_trunc('hour', a."timestamp", 'UTC'), a.project_id, a.provider, a.model, a.operation,
           count(*), count(*) filter (where a.error), count(*) filter (where a.total_cost_usd is null),
           sum(a.input_tokens::bigint), sum(a.output_tokens::bigint), coalesce(sum(round(a.total_cost_usd, least(6, scale(a.total_cost_usd)))), 0),
           count(*) filter (where a.cache_hit), sum(greatest(a.cache_tokens_saved, 0)::bigint), sum(a.cache_saved_usd)
      from added a group by 1, 2, 3, 4, 5, 6;
  elsif tg_op = 'DELETE' then
    if current_setting('rae.costs_outlive_logs', true) = pg_current_xact_id()::text then
      insert into public.cost_adjustments as s (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
      select g.tenant_id, date_trunc('hour', g."timestamp", 'UTC'), g.project_id, g.provider, g.model, g.operation,
           count(*), count(*) filter (where g.error), count(*) filter (where g.total_cost_usd is null),
           sum(g.input_tokens::bigint), sum(g.output_tokens::bigint), coalesce(sum(round(g.total_cost_usd, least(6, scale(g.total_cost_usd)))), 0),
           count(*) filter (where g.cache_hit), sum(greatest(g.cache_tokens_saved, 0)::bigint), sum(g.cache_saved_usd)
        from gone g group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
      on conflict (tenant_id, hour, project, provider, model, operation) do update set
        calls = s.calls + excluded.calls, errors = s.errors + excluded.errors, unknown_calls = s.unknown_calls + excluded.unknown_calls, input_tokens = s.input_tokens + excluded.input_tokens, output_tokens = s.output_tokens + excluded.output_tokens, cost_usd = s.cost_usd + excluded.cost_usd, cache_hits = s.cache_hits + excluded.cache_hits, tokens_saved = s.tokens_saved + excluded.tokens_saved, saved_usd = s.saved_usd + excluded.saved_usd;
      update public.cost_unknowns u set calls = u.calls - n.calls
        from (select g.tenant_id, count(*) as calls from gone g where g.total_cost_usd is null group by 1) n where u.tenant_id = n.tenant_id;
      return null;
    end if;
    insert into public.cost_deltas (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
    select g.tenant_id, date_trunc('hour', g."timestamp", 'UTC'), g.project_id, g.provider, g.model, g.operation,
           -count(*), -count(*) filter (where g.error), -count(*) filter (where g.total_cost_usd is null),
           -sum(g.input_tokens::bigint), -sum(g.output_tokens::bigint), -coalesce(sum(round(g.total_cost_usd, least(6, scale(g.total_cost_usd)))), 0),
           -count(*) filter (where g.cache_hit), -sum(greatest(g.cache_tokens_saved, 0)::bigint), -sum(g.cache_saved_usd)
      from gone g group by 1, 2, 3, 4, 5, 6;
    insert into public.due_hints (tenant_id, kind) select distinct g.tenant_id, 'cost_log' from gone g;
  else
    with changes as (
      select a.tenant_id, date_trunc('hour', a."timestamp", 'UTC'), a.project_id, a.provider, a.model, a.operation,
           count(*), count(*) filter (where a.error), count(*) filter (where a.total_cost_usd is null),
           sum(a.input_tokens::bigint), sum(a.output_tokens::bigint), coalesce(sum(round(a.total_cost_usd, least(6, scale(a.total_cost_usd)))), 0),
           count(*) filter (where a.cache_hit), sum(greatest(a.cache_tokens_saved, 0)::bigint), sum(a.cache_saved_usd)
        from added a group by 1, 2, 3, 4, 5, 6
      union all
      select g.tenant_id, date_trunc('hour', g."timestamp", 'UTC'), g.project_id, g.provider, g.model, g.operation,
           -count(*), -count(*) filter (where g.error), -count(*) filter (where g.total_cost_usd is null),
           -sum(g.input_tokens::bigint), -sum(g.output_tokens::bigint), -coalesce(sum(round(g.total_cost_usd, least(6, scale(g.total_cost_usd)))), 0),
           -count(*) filter (where g.cache_hit), -sum(greatest(g.cache_tokens_saved, 0)::bigint), -sum(g.cache_saved_usd)
        from gone g group by 1, 2, 3, 4, 5, 6),
    named (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd) as (select * from changes),
    noted as (
      insert into public.cost_deltas (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
      select n.tenant_id, n.hour, n.project, n.provider, n.model, n.operation, sum(n.calls), sum(n.errors), sum(n.unknown_calls), sum(n.input_tokens), sum(n.output_tokens), sum(n.cost_usd), sum(n.cache_hits), sum(n.tokens_saved), sum(n.saved_usd)
        from named n group by 1, 2, 3, 4, 5, 6
      -- A change of what is not summed is none.
      having (sum(n.calls), sum(n.errors), sum(n.unknown_calls), sum(n.input_tokens), sum(n.output_tokens), sum(n.cost_usd), sum(n.cache_hits), sum(n.tokens_saved), sum(n.saved_usd)) <> (0, 0, 0, 0, 0, 0, 0, 0, 0)
      returning tenant_id)
    insert into public.due_hints (tenant_id, kind) select distinct n.tenant_id, 'cost_log' from noted n;
  end if;
  return null;
end
$$;
create trigger cost_logs_delta after insert on public.cost_logs
  referencing new table as added for each statement execute function public.rae_note_cost_logs();
create trigger cost_logs_delta_update after update on public.cost_logs
  referencing old table as gone new table as added for each statement execute function public.rae_note_cost_logs();
create trigger cost_logs_delta_delete after delete on public.cost_logs
  referencing old table as gone for each statement execute function public.rae_note_cost_logs();

-- What was there before.
insert into public.cost_deltas (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
select a.tenant_id, date_trunc('hour', a."timestamp", 'UTC'), a.project_id, a.provider, a.model, a.operation,
       count(*), count(*) filter (where a.error), count(*) filter (where a.total_cost_usd is null),
           sum(a.input_tokens::bigint), sum(a.output_tokens::bigint), coalesce(sum(round(a.total_cost_usd, least(6, scale(a.total_cost_usd)))), 0),
           count(*) filter (where a.cache_hit), sum(greatest(a.cache_tokens_saved, 0)::bigint), sum(a.cache_saved_usd)
  from public.cost_logs a group by 1, 2, 3, 4, 5, 6;
insert into public.due_hints (tenant_id, kind) select distinct d.tenant_id, 'cost_log' from public.cost_deltas d;

-- What the current tenant spent of [from_at, to_at), by a project or with null by all of it: whole days and hours from the rollups
-- and what is to be added to them, the rest from the logs. Exact at any moment, but for a part of an hour whose logs are purged.
create or replace function public.rae_spend(project text, from_at timestamptz, to_at timestamptz)
  returns table (cost_usd numeric, tokens bigint, calls bigint, unknown_calls bigint)
  language plpgsql stable parallel safe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_project constant text := rae_spend.project;
  v_from constant timestamptz := rae_spend.from_at;
  v_to constant timestamptz := rae_spend.to_at;
  v_hour timestamptz := date_trunc('hour', v_from, 'UTC');
  v_hour_end timestamptz := date_trunc('hour', v_to, 'UTC');
  v_day timestamptz;
  v_day_end timestamptz;
begin
  if v_hour < v_from then v_hour := v_hour + interval '1 hour'; end if;
  -- Nothing but a part of an hour, or of two.
  if v_hour >= v_hour_end then
    v_hour := v_to;
    v_hour_end := v_to;
  end if;
  v_day := date_trunc('day', v_hour, 'UTC');
  if v_day < v_hour then v_day := v_day + interval '24 hours'; end if;
  v_day_end := date_trunc('day', v_hour_end, 'UTC');
  if v_day >= v_day_end then
    v_day := v_hour_end;
    v_day_end := v_hour_end;
  end if;
  return query
    select coalesce(sum(s.cost), 0), coalesce(sum(s.tokens), 0)::bigint, coalesce(sum(s.calls), 0)::bigint, coalesce(sum(s.unknown), 0)::bigint from (
      select c.total_tokens as tokens, 1::bigint as calls, round(c.total_cost_usd, least(6, scale(c.total_cost_usd))) as cost, (c.total_cost_usd is null)::int::bigint as unknown
        from public.cost_logs c
       where c.tenant_id = v_tenant and c."timestamp" >= v_from and c."timestamp" < least(v_hour, v_to) and (v_project is null or c.project_id = v_project)
      union all
      select c.total_tokens, 1, round(c.total_cost_usd, least(6, scale(c.total_cost_usd))), (c.total_cost_usd is null)::int from public.cost_logs c
       where c.tenant_id = v_tenant and c."timestamp" >= v_hour_end and c."timestamp" < v_to and (v_project is null or c.project_id = v_project)
      union all
      select h.total_tokens, h.calls, h.cost_usd, h.unknown_calls from public.cost_rollups_hourly h
       where h.tenant_id = v_tenant and h.hour >= v_hour and h.hour < v_day and (v_project is null or h.project = v_project)
      union all
      select h.total_tokens, h.calls, h.cost_usd, h.unknown_calls from public.cost_rollups_hourly h
       where h.tenant_id = v_tenant and h.hour >= v_day_end and h.hour < v_hour_end and (v_project is null or h.project = v_project)
      union all
      select d.total_tokens, d.calls, d.cost_usd, d.unknown_calls from public.cost_rollups_daily d
       where d.tenant_id = v_tenant and d.day >= (v_day at time zone 'UTC')::date and d.day < (v_day_end at time zone 'UTC')::date
         and (v_project is null or d.project = v_project)
      union all
      select p.input_tokens + p.output_tokens, p.calls, p.cost_usd, p.unknown_calls from public.cost_deltas p
       where p.tenant_id = v_tenant and p.hour >= v_hour and p.hour < v_hour_end and (v_project is null or p.project = v_project)) s;
end
$$;

revoke all on function public.rae_spend(text, timestamptz, timestamptz), public.rae_price(text, timestamptz) from public;
grant execute on function public.rae_spend(text, timestamptz, timestamptz) to rae_worker, rae_api;
grant execute on function public.rae_price(text, timestamptz) to rae_worker, rae_api, rae_operator;
grant select on public.model_prices, public.price_book to rae_worker, rae_api, rae_scheduler, rae_operator, rae_readonly;
grant insert, update, delete on public.model_prices to rae_operator;
grant update on public.price_book to rae_operator;
grant select, insert, update, delete on public.cost_rollups_hourly, public.cost_rollups_daily, public.cost_rollups_monthly to rae_worker;
grant select on public.cost_rollups_hourly, public.cost_rollups_daily, public.cost_rollups_monthly, public.cost_adjustments to rae_api;
grant select, insert, update on public.cost_adjustments to rae_worker;
grant select, insert, delete on public.cost_deltas to rae_worker;
grant select, insert on public.cost_deltas to rae_api;
grant select, insert, update, delete on public.cost_unknowns to rae_worker;
grant select on public.cost_unknowns to rae_scheduler, rae_operator;

-- The providers' public list prices; docs/examples/model-prices.csv is the same as a file. An operator replaces them with `rae price import`.
insert into public.model_prices (model, input_per_million, output_per_million, cached_input_per_million) values
  ('claude-3-5-haiku', 0.8, 4, 0.08),
  ('claude-3-5-sonnet', 3, 15, 0.3),
  ('claude-3-7-sonnet', 3, 15, 0.3),
  ('claude-3-haiku', 0.25, 1.25, 0.03),
  ('claude-3-opus', 15, 75, 1.5),
  ('claude-3-sonnet', 3, 15, 0.3),
  ('claude-3.5-sonnet', 3, 15, 0.3),
  ('claude-haiku-4-5', 1, 5, 0.1),
  ('claude-opus-4', 15, 75, 1.5),
  ('claude-opus-4-5', 5, 25, 0.5),
  ('claude-sonnet-4', 3, 15, 0.3),
  ('gemini-1.5-flash', 0.075, 0.3, 0.01875),
  ('gemini-1.5-pro', 1.25, 5, 0.3125),
  ('gemini-2.0-flash', 0.1, 0.4, 0.025),
  ('gemini-2.5-flash', 0.3, 2.5, 0.03),
  ('gemini-2.5-pro', 1.25, 10, 0.125),
  ('gemini-pro', 0.5, 1.5, null),
  ('gpt-3.5-turbo', 0.5, 1.5, null),
  ('gpt-4', 30, 60, null),
  ('gpt-4-32k', 60, 120, null),
  ('gpt-4-turbo', 10, 30, null),
  ('gpt-4.1', 2, 8, 0.5),
  ('gpt-4.1-mini', 0.4, 1.6, 0.1),
  ('gpt-4.1-nano', 0.1, 0.4, 0.025),
  ('gpt-4o', 2.5, 10, 1.25),
  ('gpt-4o-mini', 0.15, 0.6, 0.075),
  ('gpt-5', 1.25, 10, 0.125),
  ('gpt-5-mini', 0.25, 2, 0.025),
  ('gpt-5-nano', 0.05, 0.4, 0.005),
  ('gpt-5.1', 1.25, 10, 0.125),
  ('models/gemini-1.5-flash', 0.075, 0.3, 0.01875),
  ('models/gemini-1.5-pro', 1.25, 5, 0.3125),
  ('o1', 15, 60, 7.5),
  ('o1-mini', 1.1, 4.4, 0.55),
  ('o1-pro', 150, 600, null),
  ('o3', 2, 8, 0.5),
  ('o3-mini', 1.1, 4.4, 0.55),
  ('o4-mini', 1.1, 4.4, 0.275),
  ('ollama/', 0, 0, null),
  ('phi-3', 0, 0, null),
  ('text-embedding-3-large', 0.13, 0, null),
  ('text-embedding-3-small', 0.02, 0, null),
  ('text-embedding-ada-002', 0.1, 0, null);
