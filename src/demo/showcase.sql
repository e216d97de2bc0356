-- Sent as rae_api inside the tenant.
-- role rae_api

-- statement: setRules
-- takes $1 tenant uuid, $2 rules jsonb: a list of DemoRule
-- gives nothing; of rules that are there already only the actions follow, which name an address that may have changed
-- again safe
-- locks the rules
-- index trigger_rules_pkey
insert into public.trigger_rules as r (tenant_id, rule_name, description, event_types, condition_group, time_window_seconds, aggregate,
  cooldown_seconds, max_executions_per_hour, actions, priority, created_by)
select $1::uuid, d.rule_name, d.description, array(select jsonb_array_elements_text(d.event_types)), d.condition_group,
       d.time_window_seconds, d.aggregate, d.cooldown_seconds, d.max_executions_per_hour, d.actions, d.priority, 'demo'
  from jsonb_to_recordset($2::jsonb) d (rule_name text, description text, event_types jsonb, condition_group jsonb,
       time_window_seconds int, aggregate jsonb, cooldown_seconds int, max_executions_per_hour int, actions jsonb, priority int)
on conflict (tenant_id, project, rule_name) do update set actions = excluded.actions
 where r.created_by = 'demo' and r.actions is distinct from excluded.actions

-- statement: setBudget
-- takes $1 tenant uuid, $2 monthly limit in US dollars text, $3 action when it is exceeded text, $4 channels jsonb
-- gives nothing; of a budget that is there already only the channels follow, which name an address that may have changed
-- again safe
-- locks the budget
-- index cost_budgets_tenant_id_project_key
insert into public.cost_budgets as b (tenant_id, monthly_limit_usd, action_on_exceed, channels)
values ($1::uuid, $2::text::numeric, $3::text, $4::jsonb)
on conflict (tenant_id, project) do update set channels = excluded.channels where b.channels is distinct from excluded.channels

-- statement: addTraffic
-- takes $1 tenant uuid, $2 calls json: a list of DemoCall, $3 events json: a list of DemoEvent
-- gives {calls int, events int}
-- again only once: it adds
-- locks the new rows
-- index cost_logs_pkey, events_pkey
with calls as (
  insert into public.cost_logs (tenant_id, project_id, model, provider, operation, input_tokens, output_tokens,
    input_cost_per_million, output_cost_per_million, total_cost_usd, cache_hit, latency_ms)
  select $1::uuid, c.project, c.model, c.provider, c.operation, c.input, c.output, c.input_price, c.output_price,
         round((c.input * c.input_price + c.output * c.output_price) / 1000000, 6), false, c.latency
    from json_to_recordset($2::json) c (project text, model text, provider text, operation text, input int, output int,
         input_price numeric, output_price numeric, latency int)
  returning 1),
said as (
  insert into public.events (tenant_id, event_type, project, source, payload)
  select $1::uuid, e.type, e.project, 'demo', e.payload
    from json_to_recordset($3::json) e (type text, project text, payload jsonb)
  returning 1)
select (select count(*) from calls)::int as calls, (select count(*) from said)::int as events
