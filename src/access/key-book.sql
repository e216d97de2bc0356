-- Role rae_api, inside the tenant.

-- statement: find
-- takes $1 tenant uuid, $2 key text
-- gives {digest, role, scopes, project, status, live boolean, stale boolean: its last use was noted a minute ago or longer}; none where there is no such key
-- again safe: reads only
-- locks none
-- index api_keys_pkey
select k.digest, k.role, k.scopes, k.project, t.status,
       k.revoked_at is null and coalesce(k.expires_at > statement_timestamp(), true) as live,
       coalesce(k.last_used_at < statement_timestamp() - interval '1 minute', true) as stale
  from public.api_keys k join public.tenants t on t.tenant_id = k.tenant_id
 where k.tenant_id = $1 and k.key_id = $2

-- statement: noteUse
-- takes $1 tenant uuid, $2 key text
-- gives nothing
-- again safe: at most once a minute; another request that notes it at the same time does
-- locks the key's row, if nobody else has it
-- index api_keys_pkey
update public.api_keys k set last_used_at = statement_timestamp()
  from (select key_id from public.api_keys where tenant_id = $1 and key_id = $2 for update skip locked) f
 where k.tenant_id = $1 and k.key_id = f.key_id

-- statement: add
-- takes $1 tenant uuid, $2 key text, $3 name text, $4 role text, $5 scopes text[] or null, $6 project text or null, $7 digest bytea, $8 by whom text, $9 until timestamptz or null; as rae_operator, and as rae_api
-- gives nothing
-- again fails: the key is there
-- locks the new row
-- index api_keys_pkey
insert into public.api_keys (tenant_id, key_id, name, role, scopes, project, digest, created_by, expires_at)
values ($1, $2, $3, $4, $5::text[], $6::text, $7::bytea, $8, $9::timestamptz)

-- statement: list
-- takes $1 tenant uuid, $2 revoked as well boolean
-- gives the keys as KeyRecord, the oldest first
-- again safe: reads only
-- locks none
-- index api_keys_pkey
select key_id, name, role, scopes, project, created_by, created_at, expires_at, revoked_at, last_used_at
  from public.api_keys where tenant_id = $1 and ($2::boolean or revoked_at is null) order by created_at, key_id

-- statement: holdAdmins
-- takes $1 tenant uuid
-- gives {key_id} of keys of admins that work now, and may for good
-- again safe
-- locks their rows until the transaction ends: of two who revoke the last two, the second finds one
-- index api_keys_pkey
select key_id from public.api_keys
 where tenant_id = $1 and role = 'tenant_admin' and scopes is null and revoked_at is null
   and coalesce(expires_at > statement_timestamp(), true) order by key_id for update

-- statement: revoke
-- takes $1 tenant uuid, $2 key text
-- gives {key_id} when it worked until now
-- again safe: changes nothing
-- locks the key's row
-- index api_keys_pkey
update public.api_keys set revoked_at = statement_timestamp()
 where tenant_id = $1 and key_id = $2 and revoked_at is null returning key_id
