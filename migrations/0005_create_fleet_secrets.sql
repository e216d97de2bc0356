-- why:      the key that signs tickets where the environment gives none: schedulers sign with it, worker processes verify
-- locks:    none on existing data: a new table
-- breaking: no

create table public.fleet_secrets (
  name text primary key,
  value text not null,
  created_at timestamptz not null default now()
);
comment on table public.fleet_secrets is 'secrets that the processes of a fleet share; operators, readers and whoever serves tenants have no right to it';

grant select, insert on public.fleet_secrets to rae_scheduler;
grant select on public.fleet_secrets to rae_worker;
