-- why:      dispatch by batches: what is admitted, what arrives meanwhile, why owed runs are held; shares of single tenants; tickets
--           that are bound to a placement and a payload
-- locks:    runs is rewritten (payload_hash) and its indexes are made anew: nothing runs meanwhile
-- breaking: no

alter table public.tenants
  add column weight numeric(9, 3) check (weight between 0.001 and 1000000),
  add column run_cap integer check (run_cap > 0);
comment on column public.tenants.weight is 'its share against others in dispatch; null = what the plan says';
comment on column public.tenants.run_cap is 'how many of its runs may execute at once; null = what the plan says';
grant select (weight, run_cap) on public.tenants to rae_scheduler;

-- Immutable: the encoding of a database never changes.
create function public.rae_payload_hash(payload jsonb) returns bytea
  language sql immutable strict parallel safe security invoker
  return sha256(convert_to(payload::text, 'UTF8'));
revoke all on function public.rae_payload_hash(jsonb) from public;
grant execute on function public.rae_payload_hash(jsonb) to rae_scheduler, rae_worker, rae_api, rae_operator;
alter table public.runs
  add column epoch integer not null default 0,
  add column lent boolean not null default false,
  add column payload_hash bytea generated always as (public.rae_payload_hash(payload)) stored,
  -- The text of every check is read anew by every update of a run. In these words they cost half, and say more.
  drop constraint runs_state_check,
  drop constraint runs_origin_check,
  drop constraint runs_check,
  add constraint runs_state_check check (case when finished_at is null then state ~ '^(owed|queued|running)$'
    else state ~ '^(done|skipped)$' or (state = 'dead' and error is not null) end),
  add constraint runs_origin_check check (case when slot is null then origin ~ '^(request|wake)$' else origin = 'slot' end);
comment on column public.runs.epoch is 'placement epoch that it was admitted under last: a ticket of another epoch does nothing';
comment on column public.runs.lent is 'admitted beyond its tenant''s cap, on capacity that nobody else wanted';
comment on column public.runs.payload_hash is 'sha256 of the payload''s text, which its ticket is bound to; null = no payload';
grant select (epoch, lent, payload_hash) on public.runs to rae_scheduler, rae_operator;
-- to find rows again that it has just locked
grant select (ctid) on public.runs to rae_scheduler;
grant update (epoch, lent) on public.runs to rae_scheduler;

-- No index may depend on `state`: a run that is admitted or claimed then stays where it is in every index (a HOT update),
-- which halves what admission costs.
drop index public.runs_owed_idx, public.runs_flight_idx, public.runs_dead_idx;
alter table public.runs set (fillfactor = 75);
-- serves the dispatcher: a tenant's next owed run of a worker; and whatever asks for runs that have not ended
create index runs_open_idx on public.runs (tenant_id, worker, available_at, slot) where finished_at is null;
-- serves the dead-letter list
create index runs_dead_idx on public.runs (worker, finished_at) where finished_at is not null and error is not null;

-- What is admitted, a row per admission and not per run: written once and removed when the last of it has left.
create table public.flights (
  flight_id bigint generated always as identity primary key,
  admitted_at timestamptz not null default clock_timestamp(),
  tenants uuid[] not null,
  runs uuid[] not null
);
comment on table public.flights is 'runs that were admitted together; which of them are still queued or running, runs says. Serves rescue and a new dispatcher';
insert into public.flights (tenants, runs)
  select array_agg(tenant_id), array_agg(run_id) from public.runs where state in ('queued', 'running') having count(*) > 0;
alter table public.flights set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- What became owed while a dispatcher is busy: it looks here instead of being notified by every commit.
create table public.arrivals (
  tenant_id uuid not null,
  arrival_id bigint generated always as identity,
  worker text,
  primary key (tenant_id, arrival_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
comment on table public.arrivals is 'insert-only notes that a tenant has something owed of a worker; the tenant 0 = of many; worker null = the tenant itself was changed';
call public.rae_guard_table('public.arrivals', true);

create table public.holds (
  tenant_id uuid not null,
  worker text not null,
  reason text not null,
  value integer,
  bound integer,
  owner text,
  since timestamptz not null,
  clears_at timestamptz,
  primary key (tenant_id, worker)
);
comment on table public.holds is 'why a tenant''s owed runs of a worker are not admitted, as the dispatcher decided; those that wait for a time have it in available_at';
call public.rae_guard_table('public.holds', true);

create table public.queue_holds (
  worker text not null,
  queue text not null default '*',
  reason text not null,
  value integer,
  bound integer,
  owner text,
  since timestamptz not null,
  clears_at timestamptz,
  primary key (worker, queue)
);
comment on table public.queue_holds is 'why nothing more is admitted to a queue, or to any queue of a worker (*), as the dispatcher decided';

-- The shared partition of a tenant, as queues/partition.ts computes it.
create function public.rae_partition(tenant uuid, partitions int) returns int
  language sql immutable strict parallel safe security invoker
  return (('x' || encode(substr(sha256(convert_to(tenant::text, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint & 4294967295) % partitions;
revoke all on function public.rae_partition(uuid, int) from public;
grant execute on function public.rae_partition(uuid, int) to rae_scheduler, rae_operator, rae_worker, rae_api;

-- Owed work by tenant and worker, and by whether its time has come: how much, and why it is held, as it was decided;
-- reason null = it is eligible: it waits for its turn only.
create view public.owed_work with (security_invoker = true) as
select o.tenant_id, o.worker, t.plan, p.dedicated, o.is_later, o.is_retry, o.runs, o.first_at, s.reason,
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
  left join public.queue_holds q on q.worker = o.worker and q.queue <> '*' and q.queue = 'rae.' || o.worker || case
    when p.dedicated then '.t-' || o.tenant_id
    else (select '.p' || case when n.nth < 10 then '0' else '' end || n.nth from (
      select public.rae_partition(o.tenant_id, (f.value #>> '{}')::int) as nth from public.fleet_settings f where f.name = 'partitions') n) end
  cross join lateral (
    select case when o.is_later then 1 when w.reason = 'no_consumer' then 4 when h.reason is not null then 2
                when q.reason is not null then 3 else 4 end as by,
           case when o.is_later then case when o.is_retry then 'retry_time' else 'not_before' end
                when w.reason = 'no_consumer' then w.reason else coalesce(h.reason, q.reason, w.reason) end as reason) s;
grant select on public.owed_work to rae_scheduler, rae_operator;

grant select, insert, delete on public.flights to rae_scheduler;
grant select on public.flights to rae_operator;
grant select, insert, delete on public.arrivals to rae_scheduler;
grant insert on public.arrivals to rae_worker, rae_api, rae_operator;
grant select, insert, update, delete on public.holds, public.queue_holds to rae_scheduler;
grant select on public.holds, public.queue_holds to rae_operator;
grant select on public.holds to rae_worker, rae_api;
grant select on public.queue_holds, public.flights to rae_readonly;

drop trigger runs_wake on public.runs;
drop function public.rae_wake_dispatcher();
-- Tells the dispatcher what arrived: by a notification where it sleeps, by a note where it is busy. A busy one is never
-- notified: NOTIFY makes commits wait for each other.
create function public.rae_tell_dispatcher() returns trigger language plpgsql security invoker as $$
declare
  c_all constant uuid := '00000000-0000-0000-0000-000000000000';
  c_pairs constant int := 16;
  c_rows constant int := 256;
  v_asleep boolean;
  v_rows int;
  v_tenants uuid[];
  v_workers text[];
begin
  select bool_or(l.asleep) into v_asleep from public.leases l;
  -- Nobody has ever dispatched: who begins looks at the whole ledger.
  if v_asleep is null then return null; end if;
  -- So many at once are found by a look at the ledger: the search here ends early for a slot of 50,000 tenants.
  select sum(a.n), array_agg(a.tenant_id), array_agg(a.worker) into v_rows, v_tenants, v_workers from (
    select f.tenant_id, f.worker, count(*) as n from (
      select n.tenant_id, n.worker from arrived n where n.state = 'owed' limit c_rows) f group by 1, 2) a;
  if v_tenants is null then return null; end if;
  if v_rows = c_rows or cardinality(v_tenants) > c_pairs then
    v_tenants := array[c_all];
    v_workers := array[null];
  end if;
  if v_asleep then
    perform pg_catalog.pg_notify('rae_owed', (
      select string_agg(concat_ws(' ', a.tenant_id, a.worker), ',') from unnest(v_tenants, v_workers) a (tenant_id, worker)));
  else
    insert into public.arrivals (tenant_id, worker) select a.tenant_id, a.worker from unnest(v_tenants, v_workers) a (tenant_id, worker);
  end if;
  return null;
end
$$;
create trigger runs_tell after insert on public.runs
  referencing new table as arrived for each statement execute function public.rae_tell_dispatcher();

-- A tenant that was moved, or given another plan, weight or cap, is dispatched by that at once.
create function public.rae_tell_of_tenant() returns trigger language plpgsql security invoker as $$
begin
  if exists (select from public.leases l where l.asleep) then
    perform pg_catalog.pg_notify('rae_owed', new.tenant_id::text);
  else
    insert into public.arrivals (tenant_id) values (new.tenant_id);
  end if;
  return null;
end
$$;
-- What a plan gives holds for all its tenants at once.
create function public.rae_tell_of_plan() returns trigger language plpgsql security invoker as $$
begin
  if exists (select from public.leases l where l.asleep) then
    perform pg_catalog.pg_notify('rae_owed', '');
  else
    insert into public.arrivals (tenant_id) values ('00000000-0000-0000-0000-000000000000');
  end if;
  return null;
end
$$;
create trigger plans_tell after update on public.plans for each statement execute function public.rae_tell_of_plan();
create trigger tenants_tell after update of plan, weight, run_cap, placement, placement_epoch, status on public.tenants
  for each row execute function public.rae_tell_of_tenant();
