-- Role rae_api, inside the tenant.

-- statement: log
-- takes $1 tenant uuid, $2 id uuid, $3 columns jsonb
-- gives nothing
-- again safe: the same id changes nothing
-- locks the new row
-- index cost_logs_pkey
insert into public.cost_logs (tenant_id, id, project_id, model, provider, operation, input_tokens, output_tokens, total_cost_usd, cache_hit,
    cache_tokens_saved, request_id, user_id, latency_ms, error, error_message, "timestamp")
select $1, $2, coalesce(c.project_id, 'default'), c.model, c.provider, c.operation, c.input_tokens, c.output_tokens, c.total_cost_usd, c.cache_hit,
       c.cache_tokens_saved, c.request_id, c.user_id, c.latency_ms, c.error, c.error_message, coalesce(c."timestamp", now())
  from jsonb_populate_record(null::public.cost_logs, $3::jsonb) c
on conflict (tenant_id, id) do nothing

-- statement: settle
-- takes $1 reservation uuid, $2 cost jsonb
-- gives {id uuid}
-- again safe: the same once more changes nothing
-- locks the reservation
-- index budget_reservations_pkey
select public.rae_budget_settle($1, $2::jsonb) as id

-- statement: find
-- takes $1 tenant uuid, $2 id uuid
-- gives {cost_id, total_cost_usd text}
-- again safe: reads only
-- locks none
-- index cost_logs_pkey
select id as cost_id, total_cost_usd::text as total_cost_usd from public.cost_logs where tenant_id = $1 and id = $2
