-- function: cost_backfill
-- takes tenant, how many calls at most
-- gives how many calls without a cost were given one
-- again safe: a call that has a cost is not looked at
-- locks the calls it prices
-- index cost_logs_unknown_idx, model_prices_pkey
-- role rae_worker
create function {{cost_backfill}}(p_tenant uuid, p_most int) returns int
  language plpgsql volatile security invoker
as $$
declare
  v_model varchar(255);
  v_from timestamptz;
  v_priced int := 0;
  v_now int;
begin
  -- From model to model: what has no price costs one look, however many calls there are of it.
  loop
    select c.model into v_model from public.cost_logs c
     where c.tenant_id = p_tenant and c.total_cost_usd is null and (v_model is null or c.model > v_model) order by c.model limit 1;
    exit when not found or v_priced >= p_most;
    select min(p.valid_from) into v_from from public.model_prices p
     where p.model = any (array(select left(v_model, n) from generate_series(1, length(v_model)) n));
    continue when v_from is null;
    -- The table's own trigger prices a call without a cost.
    update public.cost_logs c set total_cost_usd = null
     where c.tenant_id = p_tenant and c.total_cost_usd is null and c.id in (
       select o.id from public.cost_logs o
        where o.tenant_id = p_tenant and o.model = v_model and o.total_cost_usd is null and o."timestamp" >= v_from
        order by o."timestamp", o.id limit p_most - v_priced);
    get diagnostics v_now = row_count;
    v_priced := v_priced + v_now;
  end loop;
  return v_priced;
end
$$;

-- function: cost_step
-- takes tenant, operator settings
-- gives {more: changes are left, idle: none is, counts {calls: added or taken away, cost_micro_usd, unknown_calls: calls without a price among them, priced}}
-- again safe: a change is taken out by the statement that adds it to the rollups
-- locks the changes it takes, then rollups in the order of their keys, then calls that it prices; the prices, shared, where calls have none
-- index cost_deltas_pkey, cost_logs_unknown_idx
-- role rae_worker
create function {{cost_step}}(p_tenant uuid, p_settings jsonb) returns table (more boolean, idle boolean, counts jsonb)
  language plpgsql volatile security invoker
  -- Planning takes longer than adding up a few calls, and Postgres would plan anew for every tenant.
  set plan_cache_mode = force_generic_plan
as $$
declare
  v_most constant int := (p_settings ->> 'step_rows')::int;
  v_done record;
  v_version bigint;
  v_tried public.cost_unknowns;
  v_priced int := 0;
  v_more boolean;
begin
  -- One statement, since what a run of a few calls costs is its statements.
  with taken as (
    delete from public.cost_deltas d
     where d.tenant_id = p_tenant and d.delta_id <= coalesce((
       select o.delta_id from public.cost_deltas o where o.tenant_id = p_tenant order by o.delta_id offset v_most - 1 limit 1), 9223372036854775807)
    returning d.*),
  summed as materialized (
    select t.hour, t.project, t.provider, t.model, t.operation, public.rae_total(t.calls) as calls, public.rae_total(t.errors) as errors, public.rae_total(t.unknown_calls) as unknown_calls, public.rae_total(t.input_tokens) as input_tokens, public.rae_total(t.output_tokens) as output_tokens, sum(t.cost_usd) as cost_usd, public.rae_total(t.cache_hits) as cache_hits, public.rae_total(t.tokens_saved) as tokens_saved, sum(t.saved_usd) as saved_usd
      from taken t group by 1, 2, 3, 4, 5),
  hourly as (
    insert into public.cost_rollups_hourly as r (tenant_id, hour, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
      select p_tenant, s.hour, s.project, s.provider, s.model, s.operation, s.calls, s.errors, s.unknown_calls, s.input_tokens, s.output_tokens, s.cost_usd, s.cache_hits, s.tokens_saved, s.saved_usd
        from summed s order by 2, 3, 4, 5, 6
    on conflict (tenant_id, hour, project, provider, model, operation) do update set
      calls = r.calls + excluded.calls, errors = r.errors + excluded.errors, unknown_calls = r.unknown_calls + excluded.unknown_calls, input_tokens = r.input_tokens + excluded.input_tokens, output_tokens = r.output_tokens + excluded.output_tokens, cost_usd = r.cost_usd + excluded.cost_usd, cache_hits = r.cache_hits + excluded.cache_hits, tokens_saved = r.tokens_saved + excluded.tokens_saved, saved_usd = r.saved_usd + excluded.saved_usd),
  daily as (
    insert into public.cost_rollups_daily as r (tenant_id, day, project, provider, model, operation, calls, errors, unknown_calls, input_tokens, output_tokens, cost_usd, cache_hits, tokens_saved, saved_usd)
      select p_tenant, (s.hour at time zone 'UTC')::date, s.project, s.provider, s.model, s.operation, public.rae_total(s.calls), public.rae_total(s.errors), public.rae_total(s.unknown_calls), public.rae_total(s.input_tokens), public.rae_total(s.output_tokens), sum(s.cost_usd), public.rae_total(s.cache_hits), public.rae_total(s.tokens_saved), sum(s.saved_usd)
        from summed s group by 1, 2, 3, 4, 5, 6 order by 2, 3, 4, 5, 6
    on conflict (tenant_id, day, project, provider, model, operation) do update set
      calls = r.calls + excluded.calls, errors = r.errors + excluded.errors, unknown_calls = r.unknown_calls + excluded.unknown_calls, input_tokens = r.input_tokens + excluded.input_tokens, output_tokens = r.output_tokens + excluded.output_tokens, cost_usd = r.cost_usd + excluded.cost_usd, cache_hits = r.cache_hits + excluded.cache_hits, tokens_saved = r.tokens_saved + excluded.tokens_saved, saved_usd = r.saved_usd + excluded.saved_usd)
  select count(*) as changes, public.rae_total(t.calls) as calls, coalesce(sum(t.cost_usd), 0) as cost_usd, public.rae_total(t.unknown_calls) as unknown,
         coalesce(bool_or(t.unknown_calls > 0), false) as more_unknown,
         min(t.hour) filter (where t.calls < 0) as lessened_from, max(t.hour) filter (where t.calls < 0) as lessened_to,
         exists (select from public.cost_unknowns u where u.tenant_id = p_tenant) as has_unknown
    into v_done from taken t;
  v_more := v_done.changes >= v_most;
  -- Every call that is there counts as one: where none is left, nothing is.
  if v_done.lessened_from is not null then
    delete from public.cost_rollups_hourly r
     where r.tenant_id = p_tenant and r.hour between v_done.lessened_from and v_done.lessened_to and r.calls = 0;
    delete from public.cost_rollups_daily r
     where r.tenant_id = p_tenant and r.day between (v_done.lessened_from at time zone 'UTC')::date and (v_done.lessened_to at time zone 'UTC')::date and r.calls = 0;
  end if;
  if v_done.unknown <> 0 or v_done.more_unknown then
    v_done.has_unknown := true;
    insert into public.cost_unknowns as u (tenant_id, calls) values (p_tenant, v_done.unknown)
    on conflict (tenant_id) do update set calls = u.calls + excluded.calls,
      -- A call that came late was priced by what was known when it began: all prices are to be tried.
      price_version = case when v_done.more_unknown then null else u.price_version end;
  end if;
  if not v_more and v_done.has_unknown then
    delete from public.cost_unknowns u where u.tenant_id = p_tenant and u.calls <= 0;
    select u.* into v_tried from public.cost_unknowns u where u.tenant_id = p_tenant;
    if v_tried.tenant_id is not null then
      perform pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('rae prices', 0));
      select b.version into v_version from public.price_book b where b.name = 'model_prices';
      if v_tried.price_version is distinct from v_version then
        v_priced := {{cost_backfill}}(p_tenant, v_most);
        v_more := v_priced > 0;
        if v_priced < v_most then
          update public.cost_unknowns u set price_version = v_version where u.tenant_id = p_tenant;
        end if;
      end if;
    end if;
  end if;
  more := v_more;
  idle := not v_more;
  counts := jsonb_build_object('calls', v_done.calls, 'cost_micro_usd', (v_done.cost_usd * 1000000)::bigint,
    'unknown_calls', v_done.unknown, 'priced', v_priced);
  return next;
end
$$;
