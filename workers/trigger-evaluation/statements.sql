-- statement: takeTurn
-- takes $1 tenant uuid
-- gives {last_number}: that of the event consumed last; until the transaction ends nobody else consumes or edits rules
-- again safe
-- locks the tenant's consumer row
-- index event_consumers_pkey
select {{trigger_begin}}($1)::text as last_number

-- statement: rules
-- takes $1 tenant uuid
-- gives {trigger_id, version, since_number, definition text} per rule in use, in the order in which they are asked
-- again safe: reads only
-- locks none
-- index trigger_rules_pkey
select r.trigger_id, r.version, r.since_number::text as since_number, jsonb_build_object(
         'rule_name', r.rule_name, 'description', r.description, 'project', r.project, 'event_types', r.event_types,
         'condition_group', r.condition_group, 'time_window_seconds', r.time_window_seconds, 'aggregate', r.aggregate,
         'cooldown_seconds', r.cooldown_seconds, 'max_executions_per_hour', r.max_executions_per_hour, 'actions', r.actions,
         'stop_on_failure', r.stop_on_failure, 'priority', r.priority)::text as definition
  from public.trigger_rules r where r.tenant_id = $1 and r.is_enabled and r.status = 'active'
 order by r.priority desc, r.created_at, r.trigger_id

-- statement: pending
-- takes $1 tenant uuid, $2 limit int
-- gives {arrival, event_id, event_type and the rest of the event, at in µs} per event that waits, the one that arrived first first; event_type null = it is gone
-- again safe: reads only
-- locks none
-- index pending_events_pkey, events_pkey
select p.arrival::text as arrival, p.event_id, e.event_type, e.project, e.source, e.payload, e.user_id, e.session_id, e.correlation_id,
       e.tags, e.metadata, e.depth,
       (extract(epoch from greatest(least(e.created_at, clock_timestamp()), 'epoch')) * 1000000)::bigint::text as at
  from (select w.arrival, w.event_id from public.pending_events w where w.tenant_id = $1 order by w.arrival limit $2::int) p
  left join public.events e on e.tenant_id = $1 and e.event_id = p.event_id
 order by p.arrival

-- statement: histories
-- takes $1 tenant uuid, $2 rules uuid[], $3 numbers from which each counts bigint[], $4 matches after so many µs bigint[] (null = none), $5 firings after so many µs bigint[] (null = none), $6 most of each int
-- gives {trigger_id, number, at in µs, value, is_firing} in the order of consumption
-- again safe: reads only
-- locks none
-- index trigger_executions_rule_idx
select h.trigger_id, h.number::text as number, (extract(epoch from h.at) * 1000000)::bigint::text as at, h.value, h.is_firing
  from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) r (trigger_id, since, matches_after, firings_after)
 cross join lateral (
   (select e.trigger_id, e.number, e.at, e.value, true as is_firing from public.trigger_executions e
     where e.tenant_id = $1 and e.trigger_id = r.trigger_id and e.outcome = 'fired'
       and e.at > 'epoch'::timestamptz + r.firings_after * interval '1 microsecond'
     order by e.at desc limit $6::int)
   union all
   (select e.trigger_id, e.number, e.at, e.value, false from public.trigger_executions e
     where e.tenant_id = $1 and e.trigger_id = r.trigger_id and e.outcome in ('fired', 'held') and e.number >= r.since
       and e.at > 'epoch'::timestamptz + r.matches_after * interval '1 microsecond'
     order by e.number desc limit $6::int)) h
 order by h.number

-- statement: act
-- takes $1 tenant uuid, $2 effects jsonb, $3 whether each by itself boolean
-- gives {results jsonb}: what became of each effect, in their order
-- again not safe by itself: the step's fence makes it once
-- locks the memories that are changed, in id order
-- index memories_pkey, messages_tenant_id_idempotency_key_key
select {{trigger_act}}($1, $2::jsonb, $3) as results

-- statement: record
-- takes $1 tenant uuid, $2 number consumed last bigint, $3 arrivals bigint[], $4 events uuid[], $5 their times in µs bigint[], $6 executions jsonb, $7 rules that cannot be read jsonb
-- gives {recorded}
-- again not safe by itself: the step's fence makes it once
-- locks the pending events it removes
-- index pending_events_pkey, consumed_events_pkey
select {{trigger_record}}($1, $2::bigint, $3::bigint[], $4::uuid[], $5::bigint[], $6::jsonb, $7::jsonb) as recorded

-- statement: prune
-- takes $1 tenant uuid, $2 days int, $3 limit int
-- gives {pruned int}: how many numbers of consumed events went, with their executions
-- again safe
-- locks the removed rows
-- index consumed_events_pkey, trigger_executions_pkey
select {{trigger_prune}}($1, $2, $3) as pruned
