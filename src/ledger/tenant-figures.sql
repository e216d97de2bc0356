-- Role rae_api, inside the tenant.

-- statement: runs
-- takes $1 tenant uuid
-- gives {worker, state, count int}
-- again safe: reads only
-- locks none
-- index runs_pkey: the runs of one tenant
select worker, state, count(*)::int as count from public.runs where tenant_id = $1 group by 1, 2 order by 1, 2

-- statement: memories
-- takes $1 tenant uuid
-- gives {count float8}
-- again safe: reads only
-- locks none
-- index memories_pkey: those of one tenant
select count(*)::float8 as count from public.memories where tenant_id = $1

-- statement: month
-- takes $1 the month's begin timestamptz, $2 now timestamptz
-- gives {usd float8, tokens float8, unknown_calls int}
-- again safe: reads only
-- locks none
-- index cost_rollups_daily_pkey, cost_rollups_hourly_pkey, cost_deltas_pkey, cost_logs_time_idx
select s.cost_usd::float8 as usd, s.tokens::float8 as tokens, s.unknown_calls::int as unknown_calls from public.rae_spend(null, $1, $2) s
