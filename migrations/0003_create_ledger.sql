-- why:      the ledger: every run owed, where it stands, and what makes a tenant due
-- locks:    none on existing data: new tables, and triggers on tenants and policies
-- breaking: no

create table public.cadences (
  cadence_id integer generated always as identity primary key,
  worker text not null,
  cron text not null,
  time_zone text not null,
  next_at timestamptz not null,
  planning timestamptz[],
  planned_to uuid,
  unique (worker, cron, time_zone)
);
comment on table public.cadences is 'a worker''s schedule that tenants share; next_at is the slot that is planned next';
comment on column public.cadences.planning is 'slots being planned, chunk by chunk, up to the tenant planned_to: whichever scheduler comes next goes on from there';
create index cadences_due_idx on public.cadences (next_at);

-- Which cadence a tenant follows for a worker, and whether it has anything to do.
-- idle: a run found nothing and no hint came since; hint_seq grows with every hint that is folded in, so that a run
-- which started before the hint cannot declare the tenant idle after it.
-- watermark: slots up to here were recorded and may have been swept: they are never planned again.
create table public.tenant_cadences (
  tenant_id uuid not null,
  worker text not null,
  cadence_id integer references public.cadences (cadence_id),
  idle boolean not null default false,
  hint_seq bigint not null default 0,
  watermark timestamptz,
  primary key (tenant_id, worker)
) with (fillfactor = 90);
call public.rae_guard_table('public.tenant_cadences', true);
-- serves planning: the cost of a cycle follows the tenants that are due, not all there are
create index tenant_cadences_due_idx on public.tenant_cadences (cadence_id, tenant_id) where not idle and cadence_id is not null;

create table public.due_hints (
  tenant_id uuid not null,
  hint_id bigint generated always as identity,
  kind text not null check (kind in ('tenant', 'policy', 'memory')),
  worker text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, hint_id)
);
comment on table public.due_hints is 'insert-only notes that something arrived for a tenant; the scheduler folds them into tenant_cadences. worker null = every worker that listens to this kind';
call public.rae_guard_table('public.due_hints', true);

create table public.cycles (
  worker text not null,
  slot timestamptz not null,
  origin text not null check (origin in ('cadence', 'command', 'backfill')),
  planned_at timestamptz not null default now(),
  total integer not null default 0,
  owed integer not null default 0,
  open integer not null default 0,
  done integer not null default 0,
  skipped jsonb not null default '{}',
  dead integer not null default 0,
  late integer not null default 0,
  changed jsonb not null default '{}',
  counted_at timestamptz,
  finished_at timestamptz,
  primary key (worker, slot)
);
comment on table public.cycles is 'one worker and slot over all due tenants; counts are gathered from the runs now and then, never updated by them. total = owed + skipped; owed = open + done + dead; skipped: reason to number; changed: summed over done runs';
create index cycles_open_idx on public.cycles (slot) where finished_at is null;

create table public.runs (
  tenant_id uuid not null,
  run_id uuid not null default gen_random_uuid(),
  worker text not null,
  slot timestamptz,
  origin text not null default 'slot' check (origin in ('slot', 'request', 'wake')),
  state text not null default 'owed' check (state in ('owed', 'queued', 'running', 'done', 'skipped', 'dead')),
  attempt integer not null default 0,
  failures integer not null default 0,
  lapses integer not null default 0,
  available_at timestamptz not null default now(),
  covers_from timestamptz,
  covered_by timestamptz,
  reason text,
  error text,
  counts jsonb,
  payload jsonb,
  progress jsonb,
  created_at timestamptz not null default now(),
  queued_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  lease_until timestamptz,
  primary key (tenant_id, run_id),
  unique (tenant_id, worker, slot),
  check ((origin = 'slot') = (slot is not null))
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
comment on column public.runs.attempt is 'grows at every claim and is never reset: the fence';
comment on column public.runs.covers_from is 'oldest slot whose run is recorded as covered by this one; null = none';
call public.rae_guard_table('public.runs', true);
-- serves the dispatcher: a tenant's next owed run of a worker
create index runs_owed_idx on public.runs (tenant_id, worker, available_at, slot) where state = 'owed';
-- serves caps, one-at-a-time, rescue: what is admitted; never more than the windows hold
create index runs_flight_idx on public.runs (tenant_id, worker) where state in ('queued', 'running');
-- serves counting a cycle; all entries of a cycle have one key, so it stays small
create index runs_cycle_idx on public.runs (worker, slot) where slot is not null;
-- serves the dead-letter list
create index runs_dead_idx on public.runs (worker, finished_at) where state = 'dead';
-- serves housekeeping: old runs lie together on disk
create index runs_age_idx on public.runs using brin (created_at) with (pages_per_range = 32);

create table public.leases (
  name text primary key,
  holder text not null,
  epoch bigint not null,
  expires_at timestamptz not null,
  asleep boolean not null default false
);
comment on table public.leases is 'who may do what only one may do; epoch grows with every change of holder';
comment on column public.leases.asleep is 'the holder has nothing to do and wants a notification when that changes';

-- Wakes a dispatcher that has nothing to do. A busy one is never notified: NOTIFY makes commits wait for each other.
create function public.rae_wake_dispatcher() returns trigger language plpgsql security invoker as $$
begin
  if exists (select from public.leases l where l.asleep) then
    perform pg_catalog.pg_notify('rae_owed', '');
  end if;
  return null;
end
$$;
create trigger runs_wake after insert on public.runs for each statement execute function public.rae_wake_dispatcher();

-- A hint per statement and tenant; never a row that every insert rewrites.
create function public.rae_hint_tenant() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) values (new.tenant_id, 'tenant');
  return null;
end
$$;
create trigger tenants_hint after insert or update of status, plan on public.tenants
  for each row execute function public.rae_hint_tenant();

create function public.rae_hint_policy() returns trigger language plpgsql security invoker as $$
begin
  if tg_op = 'DELETE' then
    insert into public.due_hints (tenant_id, kind, worker)
      select old.tenant_id, 'policy', old.worker
       where exists (select from public.tenants t where t.tenant_id = old.tenant_id);
  else
    insert into public.due_hints (tenant_id, kind, worker) values (new.tenant_id, 'policy', new.worker);
  end if;
  return null;
end
$$;
create trigger policies_hint after insert or update or delete on public.policies
  for each row execute function public.rae_hint_policy();

grant select, insert, update on public.cadences, public.cycles to rae_scheduler, rae_operator;
grant select, insert, update on public.tenant_cadences to rae_scheduler, rae_operator;
grant select, update (idle) on public.tenant_cadences to rae_worker;
grant select, delete, insert on public.due_hints to rae_scheduler;
-- to lock the hints it folds
grant update (created_at) on public.due_hints to rae_scheduler;
grant insert on public.due_hints to rae_worker, rae_api, rae_operator;
grant select, insert, update, delete on public.leases to rae_scheduler;
grant select on public.leases, public.cadences, public.cycles to rae_operator, rae_readonly;
grant select (name, asleep) on public.leases to rae_worker, rae_api;
grant delete on public.cycles, public.cadences to rae_scheduler;
-- The scheduler and operators never see what a run carries or where it stands inside a tenant's data.
grant select (tenant_id, run_id, worker, slot, origin, state, attempt, failures, lapses, available_at, covers_from, covered_by,
  reason, error, counts, created_at, queued_at, started_at, finished_at, lease_until) on public.runs to rae_scheduler, rae_operator;
grant insert (tenant_id, worker, slot, origin, state, available_at, covers_from, covered_by, reason, created_at, finished_at)
  on public.runs to rae_scheduler, rae_operator;
grant update (state, attempt, failures, lapses, available_at, covers_from, covered_by, reason, error, queued_at, started_at,
  finished_at, lease_until) on public.runs to rae_scheduler, rae_operator;
grant delete on public.runs to rae_scheduler;
grant select, update on public.runs to rae_worker;
grant select, insert, update on public.runs to rae_api;
