-- why:      what a tenant may have and ask for, by its plan or apart from it; what a new tenant of a plan begins with
-- locks:    memories and runs against writers while they are counted and given triggers and an index
-- breaking: no

create table public.plan_quotas (
  plan text not null references public.plans (plan),
  quota text not null check (quota in ('max_memories', 'max_storage_gb', 'max_api_calls_per_minute', 'max_enqueues_per_minute', 'max_backlog')),
  value numeric(20, 3) not null check (value >= 0),
  primary key (plan, quota)
);
comment on table public.plan_quotas is 'what the tenants of a plan may have; a quota that is not there has no limit';
insert into public.plan_quotas (plan, quota, value) values
  ('free', 'max_memories', 10000), ('free', 'max_storage_gb', 1), ('free', 'max_api_calls_per_minute', 600),
  ('free', 'max_enqueues_per_minute', 600), ('free', 'max_backlog', 1000),
  ('pro', 'max_memories', 1000000), ('pro', 'max_storage_gb', 50), ('pro', 'max_api_calls_per_minute', 6000),
  ('pro', 'max_enqueues_per_minute', 6000), ('pro', 'max_backlog', 10000),
  ('enterprise', 'max_api_calls_per_minute', 60000), ('enterprise', 'max_backlog', 100000);

create table public.quotas (
  tenant_id uuid not null references public.tenants (tenant_id) on delete cascade,
  quota text not null check (quota in ('max_memories', 'max_storage_gb', 'max_api_calls_per_minute', 'max_enqueues_per_minute', 'max_backlog')),
  value numeric(20, 3) check (value >= 0),
  primary key (tenant_id, quota)
);
comment on table public.quotas is 'what was set for a tenant apart from its plan; value null = no limit';
call public.rae_guard_table('public.quotas', true);

-- What holds for a tenant; null = no limit.
create function public.rae_quota(tenant uuid, quota text) returns numeric
  language sql stable parallel unsafe security invoker
as $$
  select case when o.tenant_id is null then p.value else o.value end
    from public.tenants t
    left join public.plan_quotas p on p.plan = t.plan and p.quota = rae_quota.quota
    left join public.quotas o on o.tenant_id = t.tenant_id and o.quota = rae_quota.quota
   where t.tenant_id = rae_quota.tenant
$$;

-- What a tenant's memories are: exact at any moment as the tally and the deltas together. Who inserts under a limit holds
-- the tally, so that of many at once no more pass than fit; who deletes or changes only adds a delta, and waits for nobody.
create table public.memory_tallies (
  tenant_id uuid primary key,
  memories bigint not null,
  bytes bigint not null
) with (fillfactor = 50);
comment on table public.memory_tallies is 'how many memories a tenant has, and how many bytes their content and metadata are as text; together with memory_deltas';
call public.rae_guard_table('public.memory_tallies', false);
create table public.memory_deltas (
  tenant_id uuid not null,
  delta_id bigint generated always as identity,
  memories bigint not null,
  bytes bigint not null,
  primary key (tenant_id, delta_id)
);
comment on table public.memory_deltas is 'changes that memory_tallies does not hold yet; the next insert takes them in';
call public.rae_guard_table('public.memory_deltas', false);

create function public.rae_memory_bytes(content text, metadata jsonb) returns bigint
  language sql immutable parallel safe security invoker
  return octet_length(content)::bigint + coalesce(octet_length(metadata::text), 0);

-- Counts what was inserted. 'strict' refuses what goes beyond the tenant's quota.
create function public.rae_count_memories() returns trigger
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
declare
  v_one record;
  v_most numeric;
  v_gb numeric;
  v_folded record;
  v_now record;
begin
  for v_one in
    select a.tenant_id, count(*) as memories, sum(public.rae_memory_bytes(a.content, a.metadata)) as bytes
      from added a group by 1 order by 1
  loop
    v_most := public.rae_quota(v_one.tenant_id, 'max_memories');
    v_gb := public.rae_quota(v_one.tenant_id, 'max_storage_gb');
    insert into public.memory_tallies (tenant_id, memories, bytes) values (v_one.tenant_id, 0, 0) on conflict (tenant_id) do nothing;
    if v_most is null and v_gb is null then
      perform from public.memory_tallies t where t.tenant_id = v_one.tenant_id for update skip locked;
      if not found then
        -- Nothing to keep to: nobody is waited for.
        insert into public.memory_deltas (tenant_id, memories, bytes) values (v_one.tenant_id, v_one.memories, v_one.bytes);
        continue;
      end if;
    else
      perform from public.memory_tallies t where t.tenant_id = v_one.tenant_id for update;
    end if;
    with gone as (delete from public.memory_deltas d where d.tenant_id = v_one.tenant_id returning d.memories, d.bytes)
    select coalesce(sum(g.memories), 0) as memories, coalesce(sum(g.bytes), 0) as bytes into v_folded from gone g;
    update public.memory_tallies t
       set memories = t.memories + v_folded.memories + v_one.memories, bytes = t.bytes + v_folded.bytes + v_one.bytes
     where t.tenant_id = v_one.tenant_id returning t.memories, t.bytes into v_now;
    if tg_argv[0] = 'strict' and v_now.memories > v_most then
      raise exception using errcode = 'RQ001',
        message = pg_catalog.format('quota max_memories: the tenant may have %s memories and would have %s', pg_catalog.trim_scale(v_most), v_now.memories),
        hint = 'remove some, or have the quota raised';
    end if;
    if tg_argv[0] = 'strict' and v_now.bytes > v_gb * 1000000000 then
      raise exception using errcode = 'RQ001',
        message = pg_catalog.format('quota max_storage_gb: the tenant''s memories may be %s GB and would be %s', pg_catalog.trim_scale(v_gb),
          pg_catalog.round(v_now.bytes / 1000000000.0, 6)),
        hint = 'remove some, or have the quota raised';
    end if;
  end loop;
  return null;
end
$$;

create function public.rae_uncount_memories() returns trigger
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
begin
  insert into public.memory_deltas (tenant_id, memories, bytes)
    select r.tenant_id, -count(*), -sum(public.rae_memory_bytes(r.content, r.metadata)) from removed r group by 1;
  return null;
end
$$;

-- What a change adds counts from the next insert on; a change itself is never refused.
create function public.rae_recount_memory() returns trigger
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
begin
  insert into public.memory_deltas (tenant_id, memories, bytes) values (new.tenant_id, 0,
    public.rae_memory_bytes(new.content, new.metadata) - public.rae_memory_bytes(old.content, old.metadata));
  return null;
end
$$;

-- The conditions are asked as whoever writes: who stands above row security, as a restore does, is counted and not limited.
create trigger memories_count after insert on public.memories referencing new table as added
  for each statement when (not row_security_active('public.memories')) execute function public.rae_count_memories('lax');
create trigger memories_limit after insert on public.memories referencing new table as added
  for each statement when (row_security_active('public.memories')) execute function public.rae_count_memories('strict');
create trigger memories_uncount after delete on public.memories referencing old table as removed
  for each statement execute function public.rae_uncount_memories();
create trigger memories_recount after update of content, metadata on public.memories
  for each row when (octet_length(old.content) <> octet_length(new.content) or old.metadata is distinct from new.metadata)
  execute function public.rae_recount_memory();
insert into public.memory_tallies (tenant_id, memories, bytes)
  select m.tenant_id, count(*), sum(public.rae_memory_bytes(m.content, m.metadata)) from public.memories m group by 1;

-- serves the quota on requests a minute
create index runs_requests_idx on public.runs (tenant_id, created_at) where origin = 'request';

-- Refuses a request beyond what the tenant may have open or ask for in a minute.
create function public.rae_limit_requests() returns trigger
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
declare
  -- So many transactions at once may each have counted without the others: from here on they go one after another.
  c_near constant int := 250;
  v_backlog constant numeric := public.rae_quota(new.tenant_id, 'max_backlog');
  v_rate constant numeric := public.rae_quota(new.tenant_id, 'max_enqueues_per_minute');
begin
  -- The cost of looking grows with the backlog alone: a tenant without one pays nothing.
  if v_backlog is not null then
    perform from public.runs r where r.tenant_id = new.tenant_id and r.finished_at is null
      offset greatest(v_backlog - c_near, 0) limit 1;
    if found or v_backlog <= c_near then
      perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('rae backlog ' || new.tenant_id, 0));
      perform from public.runs r where r.tenant_id = new.tenant_id and r.finished_at is null offset greatest(v_backlog - 1, 0) limit 1;
      if found or v_backlog = 0 then
        raise exception using errcode = 'RQ001',
          message = pg_catalog.format('quota max_backlog: the tenant has %s runs that are not done, as many as it may have', pg_catalog.trim_scale(v_backlog)),
          hint = 'ask again when some are done, or have the quota raised';
      end if;
    end if;
  end if;
  if v_rate is not null then
    perform from public.runs r where r.tenant_id = new.tenant_id and r.origin = 'request'
       and r.created_at > pg_catalog.clock_timestamp() - interval '1 minute' offset greatest(v_rate - 1, 0) limit 1;
    if found or v_rate = 0 then
      raise exception using errcode = 'RQ001',
        message = pg_catalog.format('quota max_enqueues_per_minute: the tenant has asked for %s runs within a minute, as many as it may', pg_catalog.trim_scale(v_rate)),
        hint = 'ask again in a moment, or have the quota raised';
    end if;
  end if;
  return new;
end
$$;
create trigger runs_limit before insert on public.runs
  for each row when (new.origin = 'request' and row_security_active('public.runs')) execute function public.rae_limit_requests();

create table public.plan_defaults (
  plan text not null references public.plans (plan),
  kind text not null check (kind in ('budget', 'policy', 'rule')),
  name text not null check (length(name) between 1 and 255),
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  primary key (plan, kind, name)
);
comment on table public.plan_defaults is 'what a new tenant of a plan begins with: its budget, policies by worker (what is not here is the worker''s own default), rules; "{{admin_email}}" stands for the tenant''s contact, and what needs one is left out where there is none';
insert into public.plan_defaults (plan, kind, name, document) values
  ('free', 'budget', 'tenant', '{"monthly_limit_usd": 10, "action_on_exceed": "block"}'),
  ('pro', 'budget', 'tenant', '{"monthly_limit_usd": 500, "action_on_exceed": "alert_only"}'),
  ('enterprise', 'budget', 'tenant', '{"monthly_limit_usd": 5000, "action_on_exceed": "alert_only"}');
insert into public.plan_defaults (plan, kind, name, document)
  select p.plan, 'rule', 'budget exceeded', '{"rule_name": "budget exceeded", "event_types": ["budget_exceeded"], "actions": [{"action_type": "send_notification", "config": {"to": "{{admin_email}}", "subject": "A budget is used up", "message": "A budget of your tenant is used up."}}], "stop_on_failure": false, "priority": 5, "is_enabled": true, "tags": [], "metadata": {}}'
    from public.plans p where p.plan in ('pro', 'enterprise');

-- Gives the current tenant, which is new, what its plan says a tenant begins with; in the transaction that makes it.
create function public.rae_begin_tenant() returns table (kind text, name text)
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_one record;
begin
  for v_one in
    select d.kind, d.name,
           case when t.contact_email is null then d.document
                else pg_catalog.replace(d.document::text, '"{{admin_email}}"', pg_catalog.to_jsonb(t.contact_email)::text)::jsonb end as document
      from public.tenants t join public.plan_defaults d on d.plan = t.plan where t.tenant_id = v_tenant order by d.kind, d.name
  loop
    continue when v_one.document::text like '%{{admin_email}}%';
    case v_one.kind
      when 'budget' then
        perform public.rae_budget_set(v_one.document, case v_one.name when 'tenant' then null else v_one.name end);
      when 'policy' then
        insert into public.policies (tenant_id, worker, document) values (v_tenant, v_one.name, v_one.document);
      else
        insert into public.trigger_rules (tenant_id, rule_name, description, project, event_types, condition_group, time_window_seconds, aggregate,
            cooldown_seconds, max_executions_per_hour, actions, stop_on_failure, priority, is_enabled, tags, metadata, created_by)
          select v_tenant, r.rule_name, r.description, r.project, r.event_types, r.condition_group, r.time_window_seconds, r.aggregate,
                 r.cooldown_seconds, r.max_executions_per_hour, r.actions, r.stop_on_failure, r.priority, r.is_enabled, r.tags, r.metadata, 'plan'
            from pg_catalog.jsonb_populate_record(null::public.trigger_rules, v_one.document) r;
    end case;
    kind := v_one.kind;
    name := v_one.name;
    return next;
  end loop;
end
$$;

revoke all on function public.rae_quota(uuid, text), public.rae_memory_bytes(text, jsonb), public.rae_count_memories(),
  public.rae_uncount_memories(), public.rae_recount_memory(), public.rae_limit_requests(), public.rae_begin_tenant() from public;
grant execute on function public.rae_quota(uuid, text) to rae_worker, rae_api, rae_operator;
grant execute on function public.rae_begin_tenant() to rae_operator;
grant select on public.plan_quotas, public.plan_defaults to rae_worker, rae_api, rae_operator, rae_readonly;
grant insert, update, delete on public.plan_quotas, public.plan_defaults to rae_operator;
grant select on public.quotas to rae_worker, rae_api;
grant select, insert, update, delete on public.quotas to rae_operator;
grant select on public.memory_tallies, public.memory_deltas to rae_worker, rae_api;
