-- Role rae_api, inside the tenant.

-- statement: total
-- takes $1 project text (null = all), $2 from timestamptz, $3 to timestamptz
-- gives {cost_usd text, tokens text, calls int, unknown_calls int} of [from, to)
-- again safe: reads only
-- locks none
-- index cost_rollups_daily_pkey, cost_rollups_hourly_pkey, cost_deltas_pkey, cost_logs_time_idx
select round(s.cost_usd, 6)::text as cost_usd, s.tokens::text as tokens, s.calls::int as calls, s.unknown_calls::int as unknown_calls
  from public.rae_spend($1, $2, $3) s

-- statement: parts
-- takes $1 tenant uuid, $2 project text (null = all), $3 from date, $4 to date, $5 by text: model, project, provider, operation, day or month
-- gives {part text, cost_usd text, tokens text, calls int, unknown_calls int, saved_usd text} of whole days of UTC, the dearest first; days in their order
-- again safe: reads only
-- locks none
-- index cost_rollups_daily_pkey, cost_deltas_pkey
with entries as (
  select d.day, d.project, d.model, d.provider, d.operation, d.cost_usd, d.total_tokens, d.calls, d.unknown_calls, d.saved_usd
    from public.cost_rollups_daily d where d.tenant_id = $1 and d.day >= $3::date and d.day < $4::date
  union all
  select (n.hour at time zone 'UTC')::date, n.project, n.model, n.provider, n.operation, n.cost_usd, n.input_tokens + n.output_tokens,
         n.calls, n.unknown_calls, n.saved_usd
    from public.cost_deltas n
   where n.tenant_id = $1 and n.hour >= $3::date::timestamp at time zone 'UTC' and n.hour < $4::date::timestamp at time zone 'UTC')
select case $5::text when 'model' then b.model when 'project' then b.project when 'provider' then b.provider when 'operation' then b.operation
         when 'month' then to_char(b.day, 'YYYY-MM') else to_char(b.day, 'YYYY-MM-DD') end as part,
       round(sum(b.cost_usd), 6)::text as cost_usd, sum(b.total_tokens)::text as tokens, sum(b.calls)::int as calls,
       sum(b.unknown_calls)::int as unknown_calls, round(sum(b.saved_usd), 6)::text as saved_usd
  from entries b where $2::text is null or b.project = $2
 group by 1 having sum(b.calls) <> 0
 order by case when $5::text in ('day', 'month') then 0 else sum(b.cost_usd) end desc, 1
