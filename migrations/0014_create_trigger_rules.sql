-- why:      trigger rules: what waits to be consumed, in which order each tenant's events were, the rules, and what came of them
-- locks:    events for a moment, for its trigger; events there are already are queued; new tables else
-- breaking: no

-- What has arrived and is not consumed yet. A queue and not a mark on the events: a transaction that began early and commits late
-- has its events consumed late, and never passed over.
create table public.pending_events (
  tenant_id uuid not null,
  arrival bigint generated always as identity,
  event_id uuid not null,
  primary key (tenant_id, arrival)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
comment on table public.pending_events is 'events that trigger rules have not consumed yet, in the order in which they were written';
call public.rae_guard_table('public.pending_events', false);

create table public.event_consumers (
  tenant_id uuid primary key,
  last_number bigint not null default 0
) with (fillfactor = 50);
comment on table public.event_consumers is 'the number of the event a tenant''s rules consumed last; its row is the lock under which they are consumed and edited';
call public.rae_guard_table('public.event_consumers', false);

create table public.consumed_events (
  tenant_id uuid not null,
  number bigint not null,
  event_id uuid not null,
  at timestamptz not null,
  consumed_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, number),
  unique (tenant_id, event_id)
);
comment on table public.consumed_events is 'in which order a tenant''s events were consumed; numbers have no gaps';
comment on column public.consumed_events.at is 'the event''s time for windows and cooldowns: its created_at, or when it was consumed if that was said to lie in the future';
call public.rae_guard_table('public.consumed_events', false);

create table public.trigger_rules (
  tenant_id uuid not null,
  trigger_id uuid not null default gen_random_uuid(),
  rule_name varchar(200) not null check (length(rule_name) > 0),
  description text,
  project varchar(255),
  event_types text[] not null check (cardinality(event_types) > 0),
  condition_group jsonb,
  time_window_seconds integer,
  aggregate jsonb,
  cooldown_seconds integer,
  max_executions_per_hour integer,
  actions jsonb not null default '[]',
  stop_on_failure boolean not null default false,
  priority integer not null default 5 check (priority between 1 and 10),
  status text not null default 'active' check (status in ('active', 'inactive', 'paused', 'error')),
  is_enabled boolean not null default true,
  last_error_at timestamptz,
  last_error_message text,
  template_id varchar(100),
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  created_by varchar(255),
  version integer not null default 1,
  since_number bigint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, trigger_id),
  unique nulls not distinct (tenant_id, project, rule_name)
);
comment on column public.trigger_rules.project is 'null = events of every project';
comment on column public.trigger_rules.status is 'error = it was taken out of use because it cannot be read; last_error_message says why';
comment on column public.trigger_rules.since_number is 'it is asked about events consumed from this number on, and counts from it';
call public.rae_guard_table('public.trigger_rules', false);

create table public.trigger_tallies (
  tenant_id uuid not null,
  trigger_id uuid not null,
  execution_count bigint not null default 0,
  held_count bigint not null default 0,
  failed_actions bigint not null default 0,
  last_executed_at timestamptz,
  last_failed_at timestamptz,
  last_failure text,
  primary key (tenant_id, trigger_id)
) with (fillfactor = 70);
comment on table public.trigger_tallies is 'how often a rule fired and was held back; apart from the rules, so that consuming events never waits for who edits one';
call public.rae_guard_table('public.trigger_tallies', false);

create table public.trigger_executions (
  tenant_id uuid not null,
  number bigint not null,
  trigger_id uuid not null,
  event_id uuid not null,
  event_type text not null,
  at timestamptz not null,
  outcome text not null check (outcome in ('fired', 'held')),
  reason text check (reason in ('window', 'cooldown', 'rate')),
  detail text,
  value double precision,
  rule_name varchar(200) not null,
  rule_version integer not null,
  actions jsonb not null default '[]',
  primary key (tenant_id, number, trigger_id),
  check ((outcome = 'held') = (reason is not null))
);
comment on table public.trigger_executions is 'each event that met a rule''s conditions: the rule fired, or was held back and why. Once per rule and event, since an event has one number';
call public.rae_guard_table('public.trigger_executions', false);
-- serves windows, cooldowns and limits
create index trigger_executions_rule_idx on public.trigger_executions (tenant_id, trigger_id, outcome, at);

create function public.rae_queue_events() returns trigger language plpgsql security invoker as $$
begin
  insert into public.pending_events (tenant_id, event_id) select a.tenant_id, a.event_id from added a;
  return null;
end
$$;
create trigger events_queue after insert on public.events
  referencing new table as added for each statement execute function public.rae_queue_events();
insert into public.pending_events (tenant_id, event_id) select tenant_id, event_id from public.events order by created_at, event_id;

-- Where a rule stands in the order of events: it waits for a step that consumes, and the next step knows it.
create function public.rae_place_rule() returns trigger language plpgsql security invoker as $$
declare
  v_last bigint;
begin
  if tg_op = 'DELETE' then
    perform from public.event_consumers c where c.tenant_id = old.tenant_id for update;
    -- Not by a foreign key: a step would wait for the rule's row, and its deleter for the step.
    delete from public.trigger_tallies t where t.tenant_id = old.tenant_id and t.trigger_id = old.trigger_id;
    return old;
  end if;
  insert into public.event_consumers (tenant_id) values (new.tenant_id) on conflict (tenant_id) do nothing;
  select c.last_number into v_last from public.event_consumers c where c.tenant_id = new.tenant_id for update;
  new.since_number := v_last + 1;
  new.updated_at := clock_timestamp();
  if tg_op = 'UPDATE' then
    new.version := old.version + 1;
  end if;
  return new;
end
$$;
create trigger trigger_rules_place before insert or delete on public.trigger_rules
  for each row execute function public.rae_place_rule();
create trigger trigger_rules_place_update before update on public.trigger_rules for each row
  when ((old.project, old.event_types, old.condition_group, old.time_window_seconds, old.aggregate, old.cooldown_seconds,
      old.max_executions_per_hour, old.actions, old.stop_on_failure, old.priority, old.status, old.is_enabled)
    is distinct from (new.project, new.event_types, new.condition_group, new.time_window_seconds, new.aggregate, new.cooldown_seconds,
      new.max_executions_per_hour, new.actions, new.stop_on_failure, new.priority, new.status, new.is_enabled))
  execute function public.rae_place_rule();

grant select, insert, delete on public.pending_events to rae_worker;
grant insert on public.pending_events to rae_api;
grant select, insert, update on public.event_consumers to rae_worker, rae_api;
grant select, insert, delete on public.consumed_events, public.trigger_executions to rae_worker;
grant select on public.consumed_events, public.trigger_executions to rae_api;
grant select, update (status, last_error_at, last_error_message) on public.trigger_rules to rae_worker;
grant select, insert, update, delete on public.trigger_rules to rae_api;
grant select, insert, update on public.trigger_tallies to rae_worker;
grant select, delete on public.trigger_tallies to rae_api;
