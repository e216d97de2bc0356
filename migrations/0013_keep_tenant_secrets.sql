-- why:      what tenants entrust to the fleet, such as the secrets that sign their webhooks, sealed under keys that are not in the database
-- locks:    none on existing data: new tables
-- breaking: no

create table public.tenant_data_keys (
  tenant_id uuid primary key,
  master_key text not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  wrapped_at timestamptz not null default now()
);
comment on table public.tenant_data_keys is 'the key that a tenant''s secrets are sealed under, itself wrapped by the master key named (RAE_MASTER_KEYS)';
call public.rae_guard_table('public.tenant_data_keys', false);

create table public.tenant_secrets (
  tenant_id uuid not null,
  name text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  version integer not null check (version > 0),
  sealed bytea not null,
  created_at timestamptz not null default now(),
  valid_until timestamptz,
  primary key (tenant_id, name, version)
);
comment on table public.tenant_secrets is 'sealed values (AES-256-GCM, bound to tenant, name and version); valid_until null = until a newer version takes its place';
call public.rae_guard_table('public.tenant_secrets', false);

grant select on public.tenant_data_keys, public.tenant_secrets to rae_worker;
grant select, insert, update, delete on public.tenant_secrets to rae_api;
grant select, insert, update on public.tenant_data_keys to rae_api;
