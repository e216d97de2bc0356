-- why:      sums of months are those of their days: as a view they cost the worker nothing, which wrote each call three times. Whole numbers get a sum of their own, since that of Postgres is a numeric, and each of its groups a memory of its own
-- locks:    cost_rollups_monthly is dropped; cost_rollups_daily holds all that it did
-- breaking: yes

create aggregate public.rae_total(bigint) (sfunc = int8pl, stype = bigint, initcond = '0', combinefunc = int8pl, parallel = safe);
revoke all on function public.rae_total(bigint) from public;
grant execute on function public.rae_total(bigint) to rae_worker, rae_api;

drop table public.cost_rollups_monthly;
create view public.cost_rollups_monthly with (security_invoker = true) as
  select d.tenant_id, date_trunc('month', d.day::timestamp)::date as month, d.project, d.provider, d.model, d.operation,
         public.rae_total(d.calls) as calls, public.rae_total(d.errors) as errors, public.rae_total(d.unknown_calls) as unknown_calls,
         public.rae_total(d.input_tokens) as input_tokens, public.rae_total(d.output_tokens) as output_tokens, public.rae_total(d.total_tokens) as total_tokens,
         sum(d.cost_usd) as cost_usd, public.rae_total(d.cache_hits) as cache_hits, public.rae_total(d.tokens_saved) as tokens_saved, sum(d.saved_usd) as saved_usd
    from public.cost_rollups_daily d
   group by 1, 2, 3, 4, 5, 6;
comment on view public.cost_rollups_monthly is 'what calls cost in a month of UTC, by its first day; outlives the logs';
grant select on public.cost_rollups_monthly to rae_worker, rae_api;
