-- why:      what happened to a tenant (events), what is to be sent out (messages), and work that API servers ask for in a
--           transaction of their own (rae_enqueue)
-- locks:    due_hints for a moment; new tables else
-- breaking: no

-- Kinds are named by what listens, in code: one more needs no change here.
alter table public.due_hints drop constraint due_hints_kind_check,
  add constraint due_hints_kind_check check (kind ~ '^[a-z][a-z_]{0,39}$');
-- Emptied as fast as it fills, and looked through from its begin: what is dead must go.
alter table public.due_hints set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The known word that `word` was most likely meant to be; null when none is close. As kernel/nearest.ts has it.
create function public.rae_nearest(word text, known text[]) returns text
  language plpgsql immutable strict parallel safe security invoker
as $$
declare
  v_word constant text := lower(left(word, 100));
  v_best text;
  v_most int := least(3, greatest(1, length(v_word) / 3));
  v_name text;
  v_to text;
  v_older int[];
  v_previous int[];
  v_row int[];
  v_cost int;
begin
  foreach v_name in array known loop
    v_to := lower(v_name);
    v_previous := array(select generate_series(0, length(v_to)));
    for i in 1 .. length(v_word) loop
      v_row := array[i];
      for j in 1 .. length(v_to) loop
        v_cost := least(v_previous[j + 1] + 1, v_row[j] + 1,
          v_previous[j] + case when substr(v_word, i, 1) = substr(v_to, j, 1) then 0 else 1 end);
        if i > 1 and j > 1 and substr(v_word, i, 1) = substr(v_to, j - 1, 1) and substr(v_word, i - 1, 1) = substr(v_to, j, 1) then
          v_cost := least(v_cost, v_older[j - 1] + 1);
        end if;
        v_row := v_row || v_cost;
      end loop;
      v_older := v_previous;
      v_previous := v_row;
    end loop;
    if v_previous[length(v_to) + 1] <= v_most then
      v_best := v_name;
      v_most := v_previous[length(v_to) + 1] - 1;
    end if;
  end loop;
  return v_best;
end
$$;
revoke all on function public.rae_nearest(text, text[]) from public;
grant execute on function public.rae_nearest(text, text[]) to rae_worker, rae_api;

-- Besides these: custom.* for whatever a tenant names itself.
create function public.rae_event_types() returns text[]
  language sql immutable parallel safe security invoker
  return array['memory_created', 'memory_updated', 'memory_deleted', 'memory_accessed', 'reflection_generated',
    'semantic_node_created', 'semantic_node_degraded', 'search_executed', 'query_analyzed', 'agent_interaction', 'drift_detected',
    'quality_degraded', 'threshold_exceeded', 'schedule_triggered', 'budget_warning', 'budget_exceeded', 'decay_completed'];
revoke all on function public.rae_event_types() from public;
grant execute on function public.rae_event_types() to rae_worker, rae_api;

create table public.events (
  tenant_id uuid not null,
  event_id uuid not null default gen_random_uuid(),
  event_type text not null check (event_type = any (public.rae_event_types()) or event_type ~ '^custom\.[a-z0-9][a-z0-9_.-]{0,99}$'),
  project text not null default 'default' check (length(project) between 1 and 255),
  source text not null default 'api' check (length(source) between 1 and 100),
  payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object' and octet_length(payload::text) <= 65536),
  user_id text check (length(user_id) <= 255),
  session_id text check (length(session_id) <= 255),
  correlation_id text check (length(correlation_id) <= 255),
  tags text[] not null default '{}' check (cardinality(tags) <= 100),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 65536),
  depth integer not null default 0 check (depth between 0 and 1000),
  -- When it happened, not when its transaction began: events of one transaction are in their order.
  created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, event_id)
);
comment on table public.events is 'what happened, from API servers and from the fleet''s own workers: insert-only for whoever serves tenants';
comment on column public.events.depth is 'how many rules lie between this event and one that no rule has emitted';
call public.rae_guard_table('public.events', true);
-- serves lists and windows of time
create index events_time_idx on public.events (tenant_id, created_at, event_id);
-- serves housekeeping: old events lie together on disk
create index events_age_idx on public.events using brin (created_at) with (pages_per_range = 32);

create table public.messages (
  tenant_id uuid not null,
  message_id uuid not null default gen_random_uuid(),
  channel jsonb not null check (jsonb_typeof(channel) = 'object' and octet_length(channel::text) <= 16384),
  type text not null check (type ~ '^[a-z][a-z0-9_]{0,49}(\.[a-z0-9][a-z0-9_]{0,49}){0,3}$'),
  data jsonb not null default '{}' check (jsonb_typeof(data) = 'object' and octet_length(data::text) <= 65536),
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, message_id),
  unique (tenant_id, idempotency_key)
);
comment on table public.messages is 'what is to be sent out: a row of the transaction that caused it, sent by the worker delivery outside of any';
call public.rae_guard_table('public.messages', true);

-- A hint per statement and tenant, and no notification: who folds hints looks for them.
create function public.rae_hint_events() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) select distinct tenant_id, 'event' from added;
  return null;
end
$$;
create trigger events_hint after insert on public.events
  referencing new table as added for each statement execute function public.rae_hint_events();
create function public.rae_hint_messages() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) select distinct tenant_id, 'message' from added;
  return null;
end
$$;
create trigger messages_hint after insert on public.messages
  referencing new table as added for each statement execute function public.rae_hint_messages();

-- Says that something happened to the current tenant; in the caller's transaction. Gives the event's id.
create function public.rae_emit_event(event_type text, payload jsonb default '{}', project text default 'default',
    source text default 'api', correlation_id text default null, user_id text default null, session_id text default null,
    tags text[] default '{}', depth int default 0) returns uuid
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
            coalesce(rae_emit_event.tags, '{}'), coalesce(rae_emit_event.depth, 0))
    returning e.event_id into v_id;
  return v_id;
end
$$;

-- What is wrong with a channel; null = nothing.
create function public.rae_channel_fault(channel jsonb) returns text
  language plpgsql immutable parallel safe security invoker
as $$
declare
  v_key text;
begin
  if jsonb_typeof(channel) is distinct from 'object' then
    return format('the channel is %s; expected a JSON object', coalesce(jsonb_typeof(channel), 'null'));
  end if;
  if coalesce(channel ->> 'type', '') not in ('webhook', 'email') then
    return format('the channel''s type is %s; expected "webhook" or "email"', coalesce((channel -> 'type')::text, 'missing'));
  end if;
  select k into v_key from jsonb_object_keys(channel) k
   where k <> all (case channel ->> 'type' when 'webhook' then array['type', 'url', 'secret'] else array['type', 'to', 'subject'] end) limit 1;
  if v_key is not null then
    return format('a channel of type %s has no field %s', channel ->> 'type', quote_literal(left(v_key, 100)));
  end if;
  if channel ->> 'type' = 'webhook' then
    -- The address itself may carry a secret: it is not repeated.
    if jsonb_typeof(channel -> 'url') is distinct from 'string' or channel ->> 'url' !~ '^https?://[^\s/?#]+' or length(channel ->> 'url') > 2048 then
      return 'the channel''s url is not one; expected https://host/path of at most 2048 characters';
    end if;
    if channel ? 'secret' and (jsonb_typeof(channel -> 'secret') <> 'string' or length(channel ->> 'secret') not between 1 and 100) then
      return 'the channel''s secret is the name of a tenant''s secret, of 1 to 100 characters';
    end if;
    return null;
  end if;
  if jsonb_typeof(channel -> 'to') is distinct from 'array' or jsonb_array_length(channel -> 'to') not between 1 and 50
      or exists (select from jsonb_array_elements(channel -> 'to') a
                  where jsonb_typeof(a) <> 'string' or a #>> '{}' !~ '^[^@\s,;<>]+@[^@\s,;<>]+$' or length(a #>> '{}') > 320) then
    return 'the channel''s "to" is not a list of addresses; expected 1 to 50 of the form name@host';
  end if;
  if channel ? 'subject' and (jsonb_typeof(channel -> 'subject') <> 'string' or channel ->> 'subject' ~ '[\r\n]' or length(channel ->> 'subject') > 255) then
    return 'the channel''s subject is not one line of at most 255 characters';
  end if;
  return null;
end
$$;

-- Sends something out for the current tenant once the caller's transaction commits. Gives the message's id; the same key of
-- the same tenant = the same message.
create function public.rae_send_message(channel jsonb, type text, data jsonb default '{}', idempotency_key text default null) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_fault text := public.rae_channel_fault(rae_send_message.channel);
  v_id uuid;
begin
  if v_fault is null and coalesce(rae_send_message.type, '') !~ '^[a-z][a-z0-9_]{0,49}(\.[a-z0-9][a-z0-9_]{0,49}){0,3}$' then
    v_fault := 'the type is not one; expected words joined by dots, such as budget.threshold';
  end if;
  if v_fault is null and jsonb_typeof(rae_send_message.data) is distinct from 'object' then
    v_fault := format('the data are %s; expected a JSON object', coalesce(jsonb_typeof(rae_send_message.data), 'null'));
  end if;
  if v_fault is null and octet_length(rae_send_message.data::text) > 65536 then
    v_fault := format('the data are %s bytes long; expected at most 65536', octet_length(rae_send_message.data::text));
  end if;
  if v_fault is null and length(rae_send_message.idempotency_key) not between 1 and 255 then
    v_fault := format('the idempotency key has %s characters; expected 1 to 255', length(rae_send_message.idempotency_key));
  end if;
  if v_fault is not null then
    raise invalid_parameter_value using message = v_fault;
  end if;
  loop
    insert into public.messages as m (tenant_id, channel, type, data, idempotency_key)
      values (v_tenant, rae_send_message.channel, rae_send_message.type, rae_send_message.data, rae_send_message.idempotency_key)
      on conflict (tenant_id, idempotency_key) do nothing returning m.message_id into v_id;
    exit when v_id is not null;
    select m.message_id into v_id from public.messages m
     where m.tenant_id = v_tenant and m.idempotency_key = rae_send_message.idempotency_key;
    exit when found;
    -- It was removed between the two: again.
  end loop;
  return v_id;
end
$$;

-- Which workers there are, as every release that migrated this database names them.
create table public.workers (
  worker text primary key,
  registered_at timestamptz not null default now()
);
comment on table public.workers is 'the workers that may be asked for; rae migrate adds those of its release';

create table public.enqueue_keys (
  tenant_id uuid not null,
  idempotency_key text not null,
  run_id uuid not null,
  worker text not null,
  payload_hash bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, idempotency_key)
);
comment on table public.enqueue_keys is 'which run a key of rae_enqueue stands for; kept for 72 h, whatever becomes of the run';
call public.rae_guard_table('public.enqueue_keys', true);
-- serves housekeeping
create index enqueue_keys_age_idx on public.enqueue_keys (created_at);

-- Asks for a run of a worker for the current tenant, in the caller's own transaction: the fleet sees it when that commits, and
-- never when it does not. Gives the run's id; the same key of the same tenant = the same run.
create function public.rae_enqueue(worker text, payload jsonb default '{}', idempotency_key text default null,
    available_at timestamptz default now()) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_run constant uuid := gen_random_uuid();
  v_hash bytea;
  v_workers text[];
  v_near text;
  v_known public.enqueue_keys;
begin
  if not exists (select from public.workers w where w.worker = rae_enqueue.worker) then
    select array_agg(w.worker order by w.worker) into v_workers from public.workers w;
    v_near := public.rae_nearest(rae_enqueue.worker, v_workers);
    raise invalid_parameter_value using
      message = format('there is no worker %s', coalesce(quote_literal(left(rae_enqueue.worker, 100)), 'null')),
      hint = case when v_near is not null then format('did you mean %s?', v_near)
        else 'there are: ' || coalesce(array_to_string(v_workers, ', '), 'none; run rae migrate') end;
  end if;
  if jsonb_typeof(rae_enqueue.payload) is distinct from 'object' then
    raise invalid_parameter_value using
      message = format('the payload is %s; expected a JSON object', coalesce(jsonb_typeof(rae_enqueue.payload), 'null'));
  end if;
  if octet_length(rae_enqueue.payload::text) > 65536 then
    raise invalid_parameter_value using
      message = format('the payload is %s bytes long; expected at most 65536', octet_length(rae_enqueue.payload::text)),
      hint = 'store it as a row of your own and put its id into the payload';
  end if;
  if length(rae_enqueue.idempotency_key) not between 1 and 255 then
    raise invalid_parameter_value using
      message = format('the idempotency key has %s characters; expected 1 to 255', length(rae_enqueue.idempotency_key));
  end if;
  if not isfinite(rae_enqueue.available_at) then
    raise invalid_parameter_value using message = format('available_at is %s; expected a point in time', rae_enqueue.available_at);
  end if;
  if rae_enqueue.idempotency_key is not null then
    v_hash := public.rae_payload_hash(rae_enqueue.payload);
    loop
      -- Waits for a transaction that has just used the key: it may roll back.
      insert into public.enqueue_keys (tenant_id, idempotency_key, run_id, worker, payload_hash)
        values (v_tenant, rae_enqueue.idempotency_key, v_run, rae_enqueue.worker, v_hash)
        on conflict (tenant_id, idempotency_key) do nothing;
      exit when found;
      select k.* into v_known from public.enqueue_keys k
       where k.tenant_id = v_tenant and k.idempotency_key = rae_enqueue.idempotency_key;
      if found then
        if v_known.worker <> rae_enqueue.worker or v_known.payload_hash <> v_hash then
          raise invalid_parameter_value using
            message = format('the idempotency key was used for another %s',
              case when v_known.worker <> rae_enqueue.worker then 'worker: ' || v_known.worker else 'payload' end),
            hint = 'one key stands for one request; use a new one for another';
        end if;
        return v_known.run_id;
      end if;
      -- Its time was over and it was removed between the two: again.
    end loop;
  end if;
  -- Not before now: a time that has passed would overtake the tenant's other runs.
  insert into public.runs (tenant_id, run_id, worker, origin, payload, available_at)
    values (v_tenant, v_run, rae_enqueue.worker, 'request', rae_enqueue.payload, greatest(rae_enqueue.available_at, now()));
  return v_run;
end
$$;

revoke all on function public.rae_emit_event(text, jsonb, text, text, text, text, text, text[], int),
  public.rae_channel_fault(jsonb), public.rae_send_message(jsonb, text, jsonb, text),
  public.rae_enqueue(text, jsonb, text, timestamptz) from public;
grant execute on function public.rae_emit_event(text, jsonb, text, text, text, text, text, text[], int),
  public.rae_channel_fault(jsonb), public.rae_send_message(jsonb, text, jsonb, text),
  public.rae_enqueue(text, jsonb, text, timestamptz) to rae_worker, rae_api;

grant select, insert on public.events, public.messages to rae_worker, rae_api;
grant select (tenant_id, event_id, event_type, depth, created_at) on public.events to rae_scheduler, rae_operator;
grant delete on public.events to rae_scheduler;
grant select (tenant_id, message_id, type, created_at) on public.messages to rae_scheduler, rae_operator;
grant select on public.workers to rae_scheduler, rae_worker, rae_api, rae_operator, rae_readonly;
grant select, insert on public.enqueue_keys to rae_worker, rae_api;
grant select (tenant_id, created_at, ctid), delete on public.enqueue_keys to rae_scheduler;
-- A worker asks for runs as well; it says nothing about where they stand.
grant insert (tenant_id, run_id, worker, origin, payload, available_at) on public.runs to rae_worker;
