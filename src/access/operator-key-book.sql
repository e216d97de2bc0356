-- Role rae_operator.

-- statement: find
-- takes $1 key text
-- gives {digest, live boolean, stale boolean: its last use was noted a minute ago or longer}; none where there is no such key
-- again safe: reads only
-- locks none
-- index operator_keys_pkey
select k.digest, k.revoked_at is null and coalesce(k.expires_at > statement_timestamp(), true) as live,
       coalesce(k.last_used_at < statement_timestamp() - interval '1 minute', true) as stale
  from public.operator_keys k where k.key_id = $1

-- statement: noteUse
-- takes $1 key text
-- gives nothing
-- again safe: at most once a minute
-- locks the key's row
-- index operator_keys_pkey
update public.operator_keys set last_used_at = statement_timestamp() where key_id = $1

-- statement: add
-- takes $1 key text, $2 name text, $3 digest bytea, $4 until timestamptz or null
-- gives nothing
-- again fails: the key is there
-- locks the new row
-- index operator_keys_pkey
insert into public.operator_keys (key_id, name, digest, expires_at) values ($1, $2, $3::bytea, $4::timestamptz)

-- statement: list
-- takes $1 revoked as well boolean
-- gives {key_id, name, created_at, expires_at, revoked_at, last_used_at}, the oldest first
-- again safe: reads only
-- locks none
-- index operator_keys_pkey
select key_id, name, created_at, expires_at, revoked_at, last_used_at from public.operator_keys
 where $1::boolean or revoked_at is null order by created_at, key_id

-- statement: revoke
-- takes $1 key text
-- gives {key_id, worked boolean: it did until now}; none where there is no such key
-- again safe
-- locks the key's row
-- index operator_keys_pkey
with gone as (
  update public.operator_keys set revoked_at = statement_timestamp() where key_id = $1 and revoked_at is null returning key_id)
select k.key_id, exists (select from gone) as worked from public.operator_keys k where k.key_id = $1
