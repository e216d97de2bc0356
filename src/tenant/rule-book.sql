-- Role rae_api, inside the tenant.

-- statement: list
-- takes $1 tenant uuid, $2 limit int
-- gives the tenant's rules in the order in which they are asked, each with how often it fired and was held back
-- again safe: reads only
-- locks none
-- index trigger_rules_pkey, trigger_tallies_pkey
select r.trigger_id, r.rule_name, r.description, r.project, r.event_types, r.condition_group, r.time_window_seconds, r.aggregate,
       r.cooldown_seconds, r.max_executions_per_hour, r.actions, r.stop_on_failure, r.priority, r.status, r.is_enabled, r.last_error_at,
       r.last_error_message, r.template_id, r.tags, r.metadata, r.created_by, r.version, r.since_number::text as since_number,
       r.created_at, r.updated_at,
       coalesce(t.execution_count, 0)::float8 as execution_count, coalesce(t.held_count, 0)::float8 as held_count,
       coalesce(t.failed_actions, 0)::float8 as failed_actions, t.last_executed_at, t.last_failed_at, t.last_failure
  from public.trigger_rules r
  left join public.trigger_tallies t on t.tenant_id = r.tenant_id and t.trigger_id = r.trigger_id
 where r.tenant_id = $1 order by r.priority desc, r.created_at, r.trigger_id limit $2::int

-- statement: store
-- takes $1 tenant uuid, $2 columns jsonb
-- gives {trigger_id, created}
-- again safe: the same columns change nothing
-- locks the tenant's consumer row: waits for a step under way
-- index trigger_rules_tenant_id_project_rule_name_key
insert into public.trigger_rules as r (tenant_id, rule_name, description, project, event_types, condition_group, time_window_seconds,
    aggregate, cooldown_seconds, max_executions_per_hour, actions, stop_on_failure, priority, is_enabled, template_id, tags, metadata, created_by)
  select $1, n.rule_name, n.description, n.project, n.event_types, n.condition_group, n.time_window_seconds, n.aggregate,
         n.cooldown_seconds, n.max_executions_per_hour, n.actions, n.stop_on_failure, n.priority, n.is_enabled, n.template_id, n.tags,
         n.metadata, n.created_by
    from jsonb_populate_record(null::public.trigger_rules, $2) n
on conflict (tenant_id, project, rule_name) do update set description = excluded.description, event_types = excluded.event_types,
  condition_group = excluded.condition_group, time_window_seconds = excluded.time_window_seconds, aggregate = excluded.aggregate,
  cooldown_seconds = excluded.cooldown_seconds, max_executions_per_hour = excluded.max_executions_per_hour, actions = excluded.actions,
  stop_on_failure = excluded.stop_on_failure, priority = excluded.priority, is_enabled = excluded.is_enabled,
  template_id = excluded.template_id, tags = excluded.tags, metadata = excluded.metadata,
  status = 'active', last_error_at = null, last_error_message = null
returning r.trigger_id, r.xmax = 0 as created

-- statement: enable
-- takes $1 tenant uuid, $2 rule uuid, $3 on boolean
-- gives {rule_name, project}
-- again safe
-- locks the rule and the tenant's consumer row: waits for a step under way
-- index trigger_rules_pkey
update public.trigger_rules set is_enabled = $3::boolean where tenant_id = $1 and trigger_id = $2 returning rule_name, project

-- statement: remove
-- takes $1 tenant uuid, $2 rule uuid
-- gives {rule_name, project}
-- again safe
-- locks the rule and the tenant's consumer row: waits for a step under way
-- index trigger_rules_pkey
delete from public.trigger_rules where tenant_id = $1 and trigger_id = $2 returning rule_name, project

-- statement: event
-- takes $1 tenant uuid, $2 event uuid
-- gives the event, its time in µs, and the number under which it was consumed
-- again safe: reads only
-- locks none
-- index events_pkey, consumed_events_tenant_id_event_id_key
select e.event_id, e.event_type, e.project, e.source, e.payload, e.user_id, e.session_id, e.correlation_id, e.tags, e.metadata, e.depth,
       c.number::text as number, (extract(epoch from coalesce(c.at, greatest(least(e.created_at, now()), 'epoch'))) * 1000000)::bigint::text as at
  from public.events e left join public.consumed_events c on c.tenant_id = e.tenant_id and c.event_id = e.event_id
 where e.tenant_id = $1 and e.event_id = $2

-- statement: past
-- takes $1 tenant uuid, $2 number after which bigint, $3 from timestamptz, $4 to timestamptz, $5 limit int
-- gives {last, events}: the events of that time among the next numbers, in the order of consumption, and the last number looked at
-- again safe: reads only
-- locks none
-- index consumed_events_pkey, events_pkey
select max(c.number)::text as last, coalesce(jsonb_agg(jsonb_build_object(
         'event_id', e.event_id, 'event_type', e.event_type, 'project', e.project, 'source', e.source, 'payload', e.payload,
         'user_id', e.user_id, 'session_id', e.session_id, 'correlation_id', e.correlation_id, 'tags', e.tags, 'metadata', e.metadata,
         'depth', e.depth, 'number', c.number::text, 'at', (extract(epoch from c.at) * 1000000)::bigint::text) order by c.number)
         filter (where e.event_id is not null and c.at >= $3 and c.at < $4), '[]') as events
  from (select n.number, n.event_id, n.at from public.consumed_events n where n.tenant_id = $1 and n.number > $2 order by n.number limit $5::int) c
  left join public.events e on e.tenant_id = $1 and e.event_id = c.event_id

-- statement: history
-- takes $1 tenant uuid, $2 rule uuid, $3 before which number bigint (null = all), $4 from which number matches count bigint, $5 after which time timestamptz, $6 limit int
-- gives {number, at in µs, value, fired, counts} of what the rule did before, in the order of consumption
-- again safe: reads only
-- locks none
-- index trigger_executions_rule_idx
select h.number::text as number, (extract(epoch from h.at) * 1000000)::bigint::text as at, h.value, h.outcome = 'fired' as fired, h.number >= $4 as counts
  from (select x.number, x.at, x.value, x.outcome from public.trigger_executions x
         where x.tenant_id = $1 and x.trigger_id = $2 and x.at > $5 and ($3::bigint is null or x.number < $3)
         order by x.number desc limit $6::int) h
 order by h.number

-- statement: executions
-- takes $1 tenant uuid, $2 rule uuid, $3 limit int, $4 before this number bigint or null
-- gives what the rule did, the newest first
-- again safe: reads only
-- locks none
-- index trigger_executions_rule_idx
select x.number::float8 as number, x.event_id, x.event_type, x.at, x.outcome, x.reason, x.detail, x.rule_version, x.actions
  from public.trigger_executions x where x.tenant_id = $1 and x.trigger_id = $2 and ($4::bigint is null or x.number < $4::bigint)
 order by x.number desc limit $3::int
