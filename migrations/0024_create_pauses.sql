-- why:      operators pause tenants, workers and queues, and dispatch follows before the command returns
-- locks:    leases for a moment; new tables else
-- breaking: no

alter table public.leases add column controls bigint not null default 0;
comment on column public.leases.controls is 'grows with every edit of what operators control: who admits under another number has not read it, and admits nothing';
-- to have dispatch read what they have edited
grant update (controls) on public.leases to rae_operator;

-- The queue in which a tenant's runs of a worker wait, as queues/topology.ts names it.
create function public.rae_queue(worker text, tenant uuid, dedicated boolean) returns text
  language sql stable parallel safe security invoker
  return 'rae.' || rae_queue.worker || case
    when rae_queue.dedicated then '.t-' || rae_queue.tenant
    else (select '.p' || case when n.nth < 10 then '0' else '' end || n.nth from (
      select public.rae_partition(rae_queue.tenant, (f.value #>> '{}')::int) as nth
        from public.fleet_settings f where f.name = 'partitions') n) end;
revoke all on function public.rae_queue(text, uuid, boolean) from public;
grant execute on function public.rae_queue(text, uuid, boolean) to rae_scheduler, rae_operator;

-- A row per pause, kept when it is lifted: who paused what, why, and until when.
create table public.pauses (
  tenant_id uuid not null default '00000000-0000-0000-0000-000000000000',
  pause_id uuid not null default gen_random_uuid(),
  worker text not null default '*',
  queue text not null default '*',
  arrivals text not null default 'keep' check (arrivals in ('keep', 'skip')),
  aborts boolean not null default false,
  reason text not null check (length(reason) between 1 and 500),
  owner text not null check (length(owner) between 1 and 255),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  lifted_at timestamptz,
  lifted_by text,
  primary key (tenant_id, pause_id)
);
comment on table public.pauses is 'what operators have paused; the tenant 0 = every tenant, * = every worker or queue. It holds until lifted_at is set, after expires_at too: the leader lifts it then';
comment on column public.pauses.arrivals is 'what becomes owed meanwhile is kept until it is over, or skipped';
comment on column public.pauses.aborts is 'what runs is taken back as well, and begins anew when it is over';
call public.rae_guard_table('public.pauses', true);
-- one at a time for the same thing; serves every look for what is paused now
create unique index pauses_active_idx on public.pauses (tenant_id, worker, queue) where lifted_at is null;

-- The pauses that hold a tenant's runs of a worker now.
create function public.rae_pauses_of(tenant uuid, worker text) returns setof public.pauses
  language sql stable parallel safe security invoker
  begin atomic
    select p.* from public.pauses p
     where p.lifted_at is null and p.tenant_id in (rae_pauses_of.tenant, '00000000-0000-0000-0000-000000000000')
       and p.worker in (rae_pauses_of.worker, '*')
       and (p.queue = '*' or p.queue = (
         select public.rae_queue(rae_pauses_of.worker, t.tenant_id, coalesce(t.placement = 'dedicated', l.dedicated))
           from public.tenants t join public.plans l on l.plan = t.plan where t.tenant_id = rae_pauses_of.tenant));
  end;
revoke all on function public.rae_pauses_of(uuid, text) from public;
grant execute on function public.rae_pauses_of(uuid, text) to rae_scheduler, rae_operator;

-- An admission locks the row of its lease: whoever edits waits for those under way, and no later one misses the edit.
create function public.rae_tell_of_controls() returns trigger language plpgsql security invoker as $$
begin
  update public.leases set controls = controls + 1;
  return null;
end
$$;
create trigger pauses_tell after insert or update or delete on public.pauses
  for each statement execute function public.rae_tell_of_controls();

grant select on public.pauses to rae_scheduler, rae_operator, rae_api;
grant insert, update on public.pauses to rae_operator;
grant update (lifted_at, lifted_by), delete on public.pauses to rae_scheduler;

-- A pause comes before all else, as nothing else that is over lets a run go.
create or replace view public.owed_work with (security_invoker = true) as
select o.tenant_id, o.worker, t.plan, p.dedicated, o.is_later, o.is_retry, o.runs, o.first_at,
       case s.by when 1 then case when o.is_retry then 'retry_time' else 'not_before' end
                 when 2 then h.reason when 3 then q.reason else w.reason end as reason,
       case s.by when 1 then null when 2 then h.value when 3 then q.value else w.value end as value,
       case s.by when 1 then null when 2 then h.bound when 3 then q.bound else w.bound end as bound,
       case s.by when 1 then null when 2 then h.owner when 3 then q.owner else w.owner end as owner,
       case s.by when 1 then null when 2 then h.since when 3 then q.since else w.since end as since,
       case s.by when 1 then o.first_at when 2 then h.clears_at when 3 then q.clears_at else w.clears_at end as clears_at
  from (
    select r.tenant_id, r.worker, r.available_at > statement_timestamp() as is_later, r.failures > 0 as is_retry, count(*)::int as runs,
           min(r.available_at) as first_at
      from public.runs r where r.finished_at is null and r.state = 'owed' group by 1, 2, 3, 4) o
  join public.tenants t on t.tenant_id = o.tenant_id
  join public.plans l on l.plan = t.plan
  cross join lateral (select coalesce(t.placement = 'dedicated', l.dedicated) as dedicated) p
  left join public.holds h on h.tenant_id = o.tenant_id and h.worker = o.worker
  left join public.queue_holds w on w.worker = o.worker and w.queue = '*'
  -- Rare: only then is it worth to know where the tenant's runs wait.
  left join public.queue_holds q on q.worker = o.worker and q.queue <> '*' and q.queue = public.rae_queue(o.worker, o.tenant_id, p.dedicated)
  cross join lateral (
    select case when w.reason = 'paused' then 4 when h.reason = 'paused' then 2 when q.reason = 'paused' then 3
                when o.is_later then 1 when w.reason = 'no_consumer' then 4 when h.reason is not null then 2
                when q.reason is not null then 3 else 4 end as by) s;
