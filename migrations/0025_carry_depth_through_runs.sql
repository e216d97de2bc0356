-- why:      rules must not loop through the runs that they ask for: a run knows how many rules lie before it, and so do its events
-- locks:    runs and the function for a moment
-- breaking: no

-- rae.depth is set for the transaction by the steps of a run that a rule asked for. What they insert inherits it.
alter table public.runs add column depth integer not null default 0 check (depth between 0 and 1000);
alter table public.runs alter column depth set default coalesce(nullif(current_setting('rae.depth', true), '')::int, 0);
comment on column public.runs.depth is 'how many rules lie between this run and an event or a request of no rule';

-- Says that something happened to the current tenant; in the caller's transaction. Gives the event's id.
create or replace function public.rae_emit_event(event_type text, payload jsonb default '{}', project text default 'default',
    source text default 'api', correlation_id text default null, user_id text default null, session_id text default null,
    tags text[] default '{}', depth int default null) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_near text;
  v_id uuid;
begin
  if rae_emit_event.event_type is null or not (rae_emit_event.event_type = any (public.rae_event_types())
      or rae_emit_event.event_type ~ '^custom\.[a-z0-9][a-z0-9_.-]{0,99}$') then
    v_near := public.rae_nearest(rae_emit_event.event_type, public.rae_event_types());
    raise invalid_parameter_value using
      message = format('there is no event type %s', coalesce(quote_literal(left(rae_emit_event.event_type, 100)), 'null')),
      hint = case when v_near is not null then format('did you mean %s?', v_near)
        else 'expected custom.<name> or one of: ' || array_to_string(public.rae_event_types(), ', ') end;
  end if;
  if jsonb_typeof(rae_emit_event.payload) is distinct from 'object' then
    raise invalid_parameter_value using
      message = format('the payload is %s; expected a JSON object', coalesce(jsonb_typeof(rae_emit_event.payload), 'null'));
  end if;
  if octet_length(rae_emit_event.payload::text) > 65536 then
    raise invalid_parameter_value using
      message = format('the payload is %s bytes long; expected at most 65536', octet_length(rae_emit_event.payload::text));
  end if;
  insert into public.events as e (tenant_id, event_type, payload, project, source, correlation_id, user_id, session_id, tags, depth)
    values (v_tenant, rae_emit_event.event_type, rae_emit_event.payload, coalesce(rae_emit_event.project, 'default'),
            coalesce(rae_emit_event.source, 'api'), rae_emit_event.correlation_id, rae_emit_event.user_id, rae_emit_event.session_id,
            coalesce(rae_emit_event.tags, '{}'), coalesce(rae_emit_event.depth, nullif(current_setting('rae.depth', true), '')::int, 0))
    returning e.event_id into v_id;
  return v_id;
end
$$;
