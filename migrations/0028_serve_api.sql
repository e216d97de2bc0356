-- why:      requests to the API that are answered once, whatever is sent twice; keys of operators; why a tenant's runs wait
-- locks:    none on existing data: new tables
-- breaking: no

create table public.api_requests (
  tenant_id uuid not null,
  idempotency_key text not null check (length(idempotency_key) between 1 and 255),
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  made_at timestamptz not null default now(),
  busy_until timestamptz,
  status smallint,
  headers jsonb not null default '{}',
  answer text,
  primary key (tenant_id, idempotency_key)
);
comment on table public.api_requests is 'the answers to requests that named an idempotency key; kept for 72 h';
comment on column public.api_requests.fingerprint is 'SHA-256 of what was asked: the same key with another is refused';
comment on column public.api_requests.busy_until is 'whoever serves it has until then; null = it is answered';
call public.rae_guard_table('public.api_requests', true);
-- serves housekeeping
create index api_requests_age_idx on public.api_requests (made_at);
grant select, insert, update, delete on public.api_requests to rae_api;
grant select (tenant_id, made_at), delete on public.api_requests to rae_scheduler;

create table public.operator_keys (
  key_id text primary key check (key_id ~ '^[0-9a-f]{16}$'),
  name text not null check (length(name) between 1 and 100),
  digest bytea not null check (octet_length(digest) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on table public.operator_keys is 'API keys of SREs, who belong to no tenant; only a SHA-256 of each is kept';
grant select, insert on public.operator_keys to rae_operator;
grant update (revoked_at, last_used_at) on public.operator_keys to rae_operator;

-- Why runs are held is told to their tenant too; both tables hold no contents.
grant select on public.owed_work, public.queue_holds to rae_api;
grant execute on function public.rae_queue(text, uuid, boolean) to rae_api;
