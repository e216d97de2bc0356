-- why:      tenants whose work may begin in some hours only, or not in some, by the clock of their time zone
-- locks:    none on existing data: a new table, and the view of owed work
-- breaking: no

create table public.time_windows (
  tenant_id uuid not null,
  window_id uuid not null default gen_random_uuid(),
  worker text not null default '*',
  kind text not null check (kind in ('maintenance', 'blackout')),
  hours text not null check (length(hours) between 1 and 100),
  time_zone text not null check (length(time_zone) between 1 and 64),
  reason text check (length(reason) between 1 and 500),
  owner text not null check (length(owner) between 1 and 255),
  created_at timestamptz not null default now(),
  primary key (tenant_id, window_id),
  unique (tenant_id, worker, kind, hours, time_zone)
);
comment on table public.time_windows is 'when a tenant''s runs may begin: in one of its maintenance windows, where it has any, and in no blackout; worker * = of every worker; hours as kernel/opening-hours.ts reads them';
call public.rae_guard_table('public.time_windows', true);
create trigger time_windows_tell after insert or update or delete on public.time_windows
  for each statement execute function public.rae_tell_of_controls();

grant select on public.time_windows to rae_scheduler, rae_operator, rae_api;
grant insert, delete on public.time_windows to rae_operator;

-- What operators hold a tenant by comes before that nobody takes its work: more processes would not let it go.
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
                when o.is_later then 1 when h.reason in ('maintenance_window', 'blackout') then 2
                when w.reason = 'no_consumer' then 4 when h.reason is not null then 2
                when q.reason is not null then 3 else 4 end as by) s;
