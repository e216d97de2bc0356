-- why:      who the tenants are, what their plans allow, where their work waits and their data lives
-- locks:    none on existing data: new tables only
-- breaking: no

create table public.plans (
  plan text primary key,
  weight numeric(6, 2) not null check (weight > 0),
  run_cap integer not null check (run_cap > 0),
  dedicated boolean not null,
  ledger_days integer not null check (ledger_days > 0),
  deadline_seconds integer not null check (deadline_seconds > 0)
);
comment on table public.plans is 'what a plan gives: weight in dispatch, cap on runs at once, own queues, how long the ledger keeps finished runs, after how long a run is late';
insert into public.plans (plan, weight, run_cap, dedicated, ledger_days, deadline_seconds) values
  ('free', 1, 2, false, 30, 14400),
  ('pro', 2, 4, false, 90, 7200),
  ('enterprise', 3, 8, true, 365, 3600);

create table public.shards (
  shard text primary key check (shard ~ '^[a-z][a-z0-9_]{0,30}$'),
  created_at timestamptz not null default now()
);
insert into public.shards (shard) values ('main');

create table public.fleet_settings (
  name text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);
comment on table public.fleet_settings is 'settings of the whole fleet that every process follows live, such as the number of shared partitions';

create table public.tenants (
  tenant_id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 255),
  plan text not null default 'free' references public.plans (plan),
  status text not null default 'active' check (status in ('active', 'suspended', 'deleted')),
  shard text not null default 'main' references public.shards (shard),
  placement text check (placement in ('shared', 'dedicated')),
  placement_epoch integer not null default 0,
  config jsonb not null default '{}',
  metadata jsonb not null default '{}',
  contact_email text,
  company_name text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column public.tenants.placement is 'shared or dedicated; null = what the plan says';
call public.rae_guard_table('public.tenants', true);

create table public.projects (
  tenant_id uuid not null references public.tenants (tenant_id) on delete cascade,
  project_id uuid not null default gen_random_uuid(),
  name text not null check (length(name) between 1 and 255),
  created_at timestamptz not null default now(),
  primary key (tenant_id, project_id),
  unique (tenant_id, name)
);
call public.rae_guard_table('public.projects', true);

-- A policy is valid as stored when `checked` is the schema's fingerprint and a hash of this very document: then
-- `effective` (the document with its defaults) may be used as it stands, else it is parsed again. cron, time_zone and
-- enabled are what the scheduler may see of a policy.
create table public.policies (
  tenant_id uuid not null references public.tenants (tenant_id) on delete cascade,
  worker text not null,
  version integer not null default 1,
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  effective jsonb,
  checked text,
  cron text generated always as (document ->> 'cron') stored,
  time_zone text generated always as (document ->> 'time_zone') stored,
  enabled boolean generated always as (coalesce(document -> 'enabled' <> 'false'::jsonb, true)) stored,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, worker)
);
call public.rae_guard_table('public.policies', true);

grant select on public.plans, public.shards, public.fleet_settings
  to rae_scheduler, rae_worker, rae_api, rae_operator, rae_readonly;
grant insert, update on public.plans, public.shards, public.fleet_settings to rae_operator;
grant insert, update on public.fleet_settings to rae_scheduler;
grant select (tenant_id, plan, status, shard, placement, placement_epoch, created_at, updated_at) on public.tenants to rae_scheduler;
grant select on public.tenants to rae_worker, rae_api;
grant select, insert, update on public.tenants to rae_operator;
grant select on public.projects to rae_worker;
grant select, insert, update, delete on public.projects to rae_api;
grant select, insert on public.projects to rae_operator;
grant select (tenant_id, worker, version, cron, time_zone, enabled, updated_at) on public.policies to rae_scheduler, rae_operator;
grant select on public.policies to rae_worker;
grant select, insert, update, delete on public.policies to rae_api;
