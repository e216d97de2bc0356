-- Role rae_api, inside the tenant.

-- statement: set
-- takes $1 fields jsonb (amounts as numbers or as strings of digits), $2 project text (null = all of the tenant)
-- gives {budget_id, before jsonb: its fields but the channels, whose addresses may carry secrets; null = there was none}
-- again safe: changes nothing
-- locks the budget
-- index cost_budgets_pkey, cost_budgets_tenant_id_project_key
select public.rae_budget_set(
         (select coalesce(jsonb_object_agg(f.key, case
                   when f.key like '%\_limit%' and jsonb_typeof(f.value) = 'string' and f.value #>> '{}' ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$'
                     then to_jsonb((f.value #>> '{}')::numeric)
                   else f.value end), '{}')
            from jsonb_each($1::jsonb) f), $2::text) as budget_id,
       (select jsonb_build_object('monthly_limit_usd', b.monthly_limit_usd::text, 'daily_limit_usd', b.daily_limit_usd::text,
                 'monthly_tokens_limit', b.monthly_tokens_limit::text, 'daily_tokens_limit', b.daily_tokens_limit::text,
                 'alert_thresholds', b.alert_thresholds, 'action_on_exceed', b.action_on_exceed, 'time_zone', b.time_zone)
          from public.cost_budgets b where b.tenant_id = public.rae_current_tenant() and b.project is not distinct from $2::text) as before

-- statement: remove
-- takes $1 tenant uuid, $2 project text (null = all of the tenant)
-- gives {budget_id} where there was one
-- again safe
-- locks the budget
-- index cost_budgets_pkey
delete from public.cost_budgets where tenant_id = $1 and project is not distinct from $2::text returning budget_id

-- statement: list
-- takes $1 tenant uuid
-- gives the tenant's budgets, that of all the tenant first, each with its limits: what is spent and reserved in the present period
-- again safe: reads only
-- locks none
-- index cost_budgets_pkey, budget_alerts_pkey
select b.budget_id, b.project, b.monthly_limit_usd, b.daily_limit_usd, b.monthly_tokens_limit, b.daily_tokens_limit,
       to_jsonb(b.alert_thresholds) as alert_thresholds, b.action_on_exceed, b.time_zone, b.channels, b.version,
       coalesce((
         select jsonb_agg(jsonb_build_object('meter', u.meter, 'period', u.period, 'from', u.from_at, 'to', u.to_at, 'limit', u.limit_amount::text,
                  'spent', u.spent::text, 'reserved', u.reserved::text, 'remaining', (u.limit_amount - u.spent - u.reserved)::text,
                  'unknown_calls', u.unknown_calls, 'burn_rate_per_day', u.burn_rate_per_day::text, 'exhausted_on', u.exhausted_on,
                  'alerted', coalesce((
                    select jsonb_agg(a.threshold order by a.threshold) from public.budget_alerts a
                     where a.tenant_id = $1 and a.budget_id = b.budget_id and a.meter = u.meter and a.period = u.period), '[]'))
                order by u.from_at desc, u.meter desc)
           from public.rae_budget_usage(null, array[b.budget_id]) u), '[]') as limits
  from public.cost_budgets b where b.tenant_id = $1 order by b.project nulls first

-- statement: allows
-- takes $1 dollars numeric, $2 project text (null = the project default)
-- gives {allowed boolean, reason text, remaining_usd text}
-- again safe: reads only
-- locks none
-- index cost_budgets_pkey, as rae_budget_usage
select a.allowed, a.reason, a.remaining_usd::text as remaining_usd from public.rae_budget_allows($1::numeric, $2::text) a
