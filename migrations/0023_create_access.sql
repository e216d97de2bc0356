-- why:      who may act for a tenant: its members and its API keys; tenants that are known elsewhere by an id of their own
-- locks:    tenants for a moment; new tables else
-- breaking: no

alter table public.tenants add column external_id text check (length(external_id) between 1 and 255);
comment on column public.tenants.external_id is 'what whoever made the tenant calls it; tenant_id follows from it, so that making it again finds it';

create table public.members (
  tenant_id uuid not null references public.tenants (tenant_id) on delete cascade,
  member_id uuid not null default gen_random_uuid(),
  email text not null check (length(email) between 3 and 255),
  role text not null check (role in ('tenant_admin', 'tenant_user', 'tenant_viewer')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, member_id),
  unique (tenant_id, email)
);
comment on table public.members is 'people who belong to a tenant, each with a role';
call public.rae_guard_table('public.members', true);

create table public.api_keys (
  tenant_id uuid not null references public.tenants (tenant_id) on delete cascade,
  key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
  name text not null check (length(name) between 1 and 100),
  role text not null check (role in ('tenant_admin', 'tenant_user', 'tenant_viewer', 'service_account')),
  scopes text[],
  project text check (length(project) between 1 and 255),
  digest bytea not null check (octet_length(digest) = 32),
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  primary key (tenant_id, key_id)
);
comment on table public.api_keys is 'API keys, of which only a SHA-256 is kept: the secret part has 256 random bits';
comment on column public.api_keys.scopes is 'the permissions of its role that it has; null = all of them';
comment on column public.api_keys.last_used_at is 'to the minute';
call public.rae_guard_table('public.api_keys', true);

grant select, insert, update, delete on public.members to rae_api;
grant select, insert on public.members to rae_operator;
grant select, insert on public.api_keys to rae_api;
grant update (revoked_at, last_used_at) on public.api_keys to rae_api;
grant insert on public.api_keys to rae_operator;
grant select (tenant_id, key_id, role, created_at, expires_at, revoked_at, last_used_at) on public.api_keys to rae_operator;
-- What operators do is entered as well; they read no tenant's log.
grant execute on function public.rae_audit_append(text, text, jsonb) to rae_operator;
