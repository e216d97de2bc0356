-- Role rae_api, inside the tenant.

-- statement: takeDataKey
-- takes $1 tenant uuid, $2 master key text, $3 a new data key wrapped by it bytea
-- gives {master_key text, wrapped bytea}: the tenant's data key, the new one where it had none
-- again safe: the first stays
-- locks the tenant's data key, so that versions are made one after another
-- index tenant_data_keys_pkey
insert into public.tenant_data_keys as k (tenant_id, master_key, wrapped) values ($1, $2, $3)
on conflict (tenant_id) do update set wrapped_at = k.wrapped_at
returning master_key, wrapped

-- statement: endOlder
-- takes $1 tenant uuid, $2 name text, $3 how long the versions before stay valid in seconds int
-- gives {version int}: the newest version there is, null = none
-- again ends them no later
-- locks the versions of the secret
-- index tenant_secrets_pkey
with newest as (
  select max(s.version) as version from public.tenant_secrets s where s.tenant_id = $1 and s.name = $2),
ended as (
  update public.tenant_secrets s set valid_until = least(coalesce(s.valid_until, 'infinity'), now() + make_interval(secs => $3::int))
   where s.tenant_id = $1 and s.name = $2)
select version from newest

-- statement: removeEnded
-- takes $1 tenant uuid, $2 name text
-- gives nothing; versions that are no longer valid are gone
-- again safe
-- locks what goes
-- index tenant_secrets_pkey
delete from public.tenant_secrets where tenant_id = $1 and name = $2 and valid_until <= now()

-- statement: add
-- takes $1 tenant uuid, $2 name text, $3 version int, $4 sealed bytea
-- gives {created_at timestamptz}
-- again fails: a version is written once
-- locks the new row
-- index tenant_secrets_pkey
insert into public.tenant_secrets (tenant_id, name, version, sealed) values ($1, $2, $3, $4) returning created_at

-- statement: list
-- takes $1 tenant uuid
-- gives {name text, version int, created_at timestamptz, valid_until timestamptz} per version, no value
-- again safe: reads only
-- locks none
-- index tenant_secrets_pkey
select name, version, created_at, valid_until from public.tenant_secrets where tenant_id = $1
   and (valid_until is null or valid_until > now()) order by name, version desc

-- statement: dataKey
-- takes $1 tenant uuid
-- gives {master_key text, wrapped bytea} where the tenant has one, locked
-- again safe: reads only
-- locks the tenant's data key
-- index tenant_data_keys_pkey
select master_key, wrapped from public.tenant_data_keys where tenant_id = $1 for update

-- statement: rewrap
-- takes $1 tenant uuid, $2 master key text, $3 wrapped bytea
-- gives nothing; the same data key under another master key
-- again safe
-- locks the tenant's data key
-- index tenant_data_keys_pkey
update public.tenant_data_keys set master_key = $2, wrapped = $3, wrapped_at = now() where tenant_id = $1

-- statement: valid
-- takes $1 tenant uuid, $2 name text; as rae_worker inside the tenant
-- gives {version int, sealed bytea, master_key text, wrapped bytea} per version that is valid now, the newest first
-- again safe: reads only
-- locks none
-- index tenant_secrets_pkey
select s.version, s.sealed, k.master_key, k.wrapped from public.tenant_secrets s
  join public.tenant_data_keys k on k.tenant_id = s.tenant_id
 where s.tenant_id = $1 and s.name = $2 and (s.valid_until is null or s.valid_until > now()) order by s.version desc
