-- why:      caps of one worker, for a tenant or in total, and rates, apart from a tenant's share
-- locks:    none on existing data: a new table
-- breaking: no

create table public.limits (
  tenant_id uuid not null default '00000000-0000-0000-0000-000000000000',
  worker text not null,
  run_cap integer check (run_cap > 0),
  rate_runs integer check (rate_runs between 1 and 1000000),
  rate_seconds integer check (rate_seconds in (1, 60, 3600)),
  burst integer check (burst between 1 and 1000000),
  next_at timestamptz,
  owner text not null check (length(owner) between 1 and 255),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, worker),
  check ((rate_runs is null) = (rate_seconds is null) and (rate_runs is null) = (burst is null)),
  check (tenant_id <> '00000000-0000-0000-0000-000000000000' or rate_runs is null)
) with (fillfactor = 75);
comment on table public.limits is 'what bounds one worker besides shares: how many of its runs may be admitted at once, for a tenant or (tenant 0) in total; how many of a tenant per rate_seconds, burst of them at once';
comment on column public.limits.next_at is 'the rate''s bucket holds the runs that would have been due, evenly spaced, since then; written by admissions alone';
call public.rae_guard_table('public.limits', true);
create trigger limits_tell after insert or delete or update of run_cap, rate_runs, rate_seconds, burst on public.limits
  for each statement execute function public.rae_tell_of_controls();

grant select on public.limits to rae_scheduler, rae_operator, rae_api;
grant insert, update, delete on public.limits to rae_operator;
grant update (next_at) on public.limits to rae_scheduler;
