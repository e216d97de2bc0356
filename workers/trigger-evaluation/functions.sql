-- function: trigger_begin
-- takes tenant
-- gives the number of the event that was consumed last, and holds the tenant's consumer row until the transaction ends
-- again safe
-- locks the tenant's consumer row
-- index event_consumers_pkey
-- role rae_worker
create function {{trigger_begin}}(p_tenant uuid) returns bigint
  language plpgsql volatile security invoker
as $$
declare
  v_last bigint;
begin
  select c.last_number into v_last from public.event_consumers c where c.tenant_id = p_tenant for update;
  if not found then
    insert into public.event_consumers (tenant_id) values (p_tenant) on conflict (tenant_id) do nothing;
    select c.last_number into v_last from public.event_consumers c where c.tenant_id = p_tenant for update;
  end if;
  return v_last;
end
$$;

-- function: trigger_act_all
-- takes tenant, effects jsonb
-- gives what became of each, in their order; a memory is named by one effect at most
-- again not safe by itself: the step's fence makes it once
-- locks the memories that are changed; trigger_act has locked them in id order
-- index memories_pkey
-- role rae_worker
create function {{trigger_act_all}}(p_tenant uuid, p_effects jsonb) returns jsonb[]
  language plpgsql volatile security invoker
as $$
declare
  v_results jsonb[];
begin
  update public.memories m set tags = w.tags
    from (select o.id, array(
            select u.tag from unnest(coalesce(o.tags, '{}') || f.added) with ordinality u (tag, n)
             where u.n > coalesce(cardinality(o.tags), 0) or u.tag <> all (f.removed)
             group by u.tag order by min(u.n)) as tags
            from (select i.id::uuid as id, array(select jsonb_array_elements_text(e -> 'add')) as added,
                         array(select jsonb_array_elements_text(e -> 'remove')) as removed
                    from jsonb_array_elements(p_effects) e, jsonb_array_elements_text(e -> 'ids') i (id)
                   where e ->> 'kind' = 'tags') f
            join public.memories o on o.tenant_id = p_tenant and o.id = f.id) w
   where m.tenant_id = p_tenant and m.id = w.id and m.tags is distinct from w.tags;
  update public.memories m set importance = f.importance
    from (select i.id::uuid as id, (e ->> 'importance')::double precision as importance
            from jsonb_array_elements(p_effects) e, jsonb_array_elements_text(e -> 'ids') i (id)
           where e ->> 'kind' = 'importance') f
   where m.tenant_id = p_tenant and m.id = f.id and m.importance is distinct from f.importance;
  select array_agg(case o.e ->> 'kind'
           when 'message' then jsonb_build_object('state', 'done', 'message_id',
             public.rae_send_message(o.e -> 'channel', o.e ->> 'type', o.e -> 'data', o.e ->> 'key'))
           when 'run' then jsonb_build_object('state', 'done', 'run_id',
             -- The run inherits the depth.
             public.rae_enqueue(case when pg_catalog.set_config('rae.depth', o.e ->> 'depth', true) is not null then o.e ->> 'worker' end, o.e -> 'payload', o.e ->> 'key', now() + (o.e ->> 'delay')::int * interval '1 second'))
           when 'event' then jsonb_build_object('state', 'done', 'event_id',
             public.rae_emit_event(o.e ->> 'type', o.e -> 'payload', o.e ->> 'project', o.e ->> 'source', o.e ->> 'correlation',
               tags => array(select jsonb_array_elements_text(o.e -> 'tags')), depth => (o.e ->> 'depth')::int))
           else (select case when count(*) = 0
                   then jsonb_build_object('state', 'failed', 'why', 'the tenant has none of the memories it names')
                   else jsonb_build_object('state', 'done', 'memories', count(*)) end
                   from jsonb_array_elements_text(o.e -> 'ids') i (id)
                   join public.memories m on m.tenant_id = p_tenant and m.id = i.id::uuid)
         end order by o.n)
    into v_results
    from (select a.e, a.n from jsonb_array_elements(p_effects) with ordinality a (e, n) order by a.n) o;
  perform pg_catalog.set_config('rae.depth', '', true);
  return v_results;
end
$$;

-- function: trigger_act
-- takes tenant, effects jsonb [{kind, execution, stops, …}] in the order in which they are to be done, whether each must be done by itself
-- gives jsonb: what became of each, {state: done | failed | skipped, …}. One that cannot be done fails alone: then each is done by itself
-- again not safe by itself: the step's fence makes it once
-- locks the memories that are changed, in id order, as decay does
-- index memories_pkey
-- role rae_worker
create function {{trigger_act}}(p_tenant uuid, p_effects jsonb, p_careful boolean) returns jsonb
  language plpgsql volatile security invoker
as $$
declare
  v_effect jsonb;
  v_result jsonb;
  v_results jsonb[] := '{}';
  v_stopped int := -1;
begin
  perform from public.memories m
    where m.tenant_id = p_tenant
      and m.id = any (array(select i.id::uuid from jsonb_array_elements(p_effects) e, jsonb_array_elements_text(e -> 'ids') i (id)))
    order by m.id for update;
  if not p_careful then
    begin
      return to_jsonb({{trigger_act_all}}(p_tenant, p_effects));
    exception
      -- What these say concerns one of them. Anything else, such as a deadlock or a missing right, is for the run to be tried again.
      when data_exception or integrity_constraint_violation or raise_exception then null;
    end;
  end if;
  for v_effect in select a.e from jsonb_array_elements(p_effects) with ordinality a (e, n) order by a.n loop
    if (v_effect ->> 'execution')::int = v_stopped then
      v_result := jsonb_build_object('state', 'skipped', 'why', 'an earlier action failed');
    else
      begin
        v_result := ({{trigger_act_all}}(p_tenant, jsonb_build_array(v_effect)))[1];
      exception
        when data_exception or integrity_constraint_violation or raise_exception then
          v_result := jsonb_build_object('state', 'failed', 'why', left(sqlerrm, 500));
      end;
      if v_result ->> 'state' = 'failed' and (v_effect ->> 'stops')::boolean then
        v_stopped := (v_effect ->> 'execution')::int;
      end if;
    end if;
    v_results := v_results || v_result;
  end loop;
  return to_jsonb(v_results);
end
$$;

-- function: trigger_record
-- takes tenant, the number consumed last before, arrivals to remove, the events among them that are still there with their times in µs,
--   executions jsonb, and rules that cannot be read jsonb [{trigger_id, version, why}]
-- gives how many executions were recorded
-- again not safe by itself: the step's fence makes it once
-- locks the arrivals
-- index pending_events_pkey
-- role rae_worker
create function {{trigger_record}}(p_tenant uuid, p_last bigint, p_arrivals bigint[], p_events uuid[], p_ats bigint[], p_executions jsonb,
    p_broken jsonb) returns int
  language plpgsql volatile security invoker
as $$
declare
  v_gone int;
  v_recorded int := 0;
begin
  delete from public.pending_events p where p.tenant_id = p_tenant and p.arrival = any (p_arrivals);
  get diagnostics v_gone = row_count;
  -- Whoever took one of them meanwhile has consumed it without the lock.
  if v_gone <> cardinality(p_arrivals) then
    raise serialization_failure using message = format('%s of %s pending events were there', v_gone, cardinality(p_arrivals));
  end if;
  insert into public.consumed_events (tenant_id, number, event_id, at)
    select p_tenant, p_last + e.n, e.event_id, 'epoch'::timestamptz + e.at * interval '1 microsecond'
      from unnest(p_events, p_ats) with ordinality e (event_id, at, n);
  update public.event_consumers c set last_number = p_last + cardinality(p_events) where c.tenant_id = p_tenant;
  if p_executions <> '[]' then
    insert into public.trigger_executions (tenant_id, number, trigger_id, event_id, event_type, at, outcome, reason, detail, value,
        rule_name, rule_version, actions)
      select p_tenant, x.number, x.trigger_id, x.event_id, x.event_type, 'epoch'::timestamptz + x.at * interval '1 microsecond',
             case when x.reason is null then 'fired' else 'held' end, x.reason, x.detail, x.value, x.rule_name, x.rule_version, x.actions
        from jsonb_to_recordset(p_executions) x (number bigint, trigger_id uuid, event_id uuid, event_type text, at bigint, reason text,
             detail text, value double precision, rule_name text, rule_version int, actions jsonb);
    get diagnostics v_recorded = row_count;
    insert into public.trigger_tallies as t (tenant_id, trigger_id, execution_count, held_count, failed_actions, last_executed_at,
        last_failed_at, last_failure)
      select p_tenant, x.trigger_id, count(*) filter (where x.reason is null), count(*) filter (where x.reason is not null),
             coalesce(sum(f.failed), 0), max(x.at) filter (where x.reason is null),
             max(x.at) filter (where f.failed > 0), (array_agg(f.why order by x.number desc) filter (where f.failed > 0))[1]
        from (select j.trigger_id, j.number, j.reason, j.actions, 'epoch'::timestamptz + j.at * interval '1 microsecond' as at
                from jsonb_to_recordset(p_executions) j (trigger_id uuid, number bigint, at bigint, reason text, actions jsonb)) x
       cross join lateral (select count(*) as failed, min(a ->> 'why') as why from jsonb_array_elements(x.actions) a
                            where a ->> 'state' = 'failed') f
       group by x.trigger_id
      on conflict (tenant_id, trigger_id) do update set execution_count = t.execution_count + excluded.execution_count,
        held_count = t.held_count + excluded.held_count, failed_actions = t.failed_actions + excluded.failed_actions,
        last_executed_at = greatest(t.last_executed_at, excluded.last_executed_at),
        last_failed_at = coalesce(excluded.last_failed_at, t.last_failed_at), last_failure = coalesce(excluded.last_failure, t.last_failure);
  end if;
  if p_broken <> '[]' then
    -- One that is being edited right now is left to the next step, which reads it anew.
    update public.trigger_rules r set status = 'error', last_error_at = clock_timestamp(), last_error_message = b.why
      from (select l.trigger_id, j.why from jsonb_to_recordset(p_broken) j (trigger_id uuid, version int, why text)
              join public.trigger_rules l on l.tenant_id = p_tenant and l.trigger_id = j.trigger_id and l.version = j.version
               for update of l skip locked) b
     where r.tenant_id = p_tenant and r.trigger_id = b.trigger_id;
  end if;
  return v_recorded;
end
$$;

-- function: trigger_prune
-- takes tenant, for how many days consumption is kept, how many numbers at once
-- gives how many numbers went, with their executions; the tenant is woken when the next come of age
-- again safe
-- locks the removed rows
-- index consumed_events_pkey, trigger_executions_pkey
-- role rae_worker
create function {{trigger_prune}}(p_tenant uuid, p_days int, p_most int) returns int
  language plpgsql volatile security invoker
as $$
declare
  v_to bigint;
  v_pruned int := 0;
  v_oldest timestamptz;
begin
  -- Numbers are in the order of their consumption, so that what is old is at their begin.
  select max(o.number) into v_to
    from (select c.number, c.consumed_at from public.consumed_events c where c.tenant_id = p_tenant order by c.number limit p_most) o
   where o.consumed_at < now() - p_days * interval '1 day';
  if v_to is not null then
    delete from public.trigger_executions x where x.tenant_id = p_tenant and x.number <= v_to;
    delete from public.consumed_events c where c.tenant_id = p_tenant and c.number <= v_to;
    get diagnostics v_pruned = row_count;
  end if;
  -- A tenant of which no event comes any more must forget as well.
  select c.consumed_at into v_oldest from public.consumed_events c where c.tenant_id = p_tenant order by c.number limit 1;
  if found then
    perform public.rae_wake_at('trigger-evaluation', v_oldest + p_days * interval '1 day');
  end if;
  return v_pruned;
end
$$;
